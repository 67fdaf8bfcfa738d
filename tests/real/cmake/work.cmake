# SPDX-License-Identifier: MIT
# Driven by ../cmake.sh.
set(json "{}")
foreach(i RANGE 1 300)
  math(EXPR square "${i} * ${i} % 97")
  list(APPEND squares ${square})
  string(JSON json SET "${json}" "k${i}" "[${square}, \"text ${i}\"]")
endforeach()
list(REMOVE_DUPLICATES squares)
list(SORT squares COMPARE NATURAL)
string(JSON last GET "${json}" k300 1)
string(REGEX REPLACE "([0-9])([0-9])" "\\2\\1" swapped "${squares}")
string(SHA256 hash "${json}")
message(STATUS "${squares}\n${swapped}\n${last}\n${hash}")
