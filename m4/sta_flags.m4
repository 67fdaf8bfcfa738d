dnl SPDX-License-Identifier: MIT
dnl
dnl STA_TRY_CFLAGS(VARIABLE, FLAGS), STA_TRY_LDFLAGS(VARIABLE, FLAGS)
dnl
dnl Appends to VARIABLE each of FLAGS that the compiler (the linker) takes.
dnl -Werror makes clang refuse what it would otherwise only warn of.

AC_DEFUN([STA_TRY_CFLAGS], [
AC_SUBST([$1])
for sta_flag in m4_normalize([$2]); do
    AC_MSG_CHECKING([whether $CC takes $sta_flag])
    sta_save=$CFLAGS
    CFLAGS="$CFLAGS -Werror $sta_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM],
        [AC_MSG_RESULT([yes]); $1="$$1${$1:+ }$sta_flag"],
        [AC_MSG_RESULT([no])])
    CFLAGS=$sta_save
done
])

AC_DEFUN([STA_TRY_LDFLAGS], [
AC_SUBST([$1])
for sta_flag in m4_normalize([$2]); do
    AC_MSG_CHECKING([whether the linker takes $sta_flag])
    sta_save=$LDFLAGS
    LDFLAGS="$LDFLAGS $sta_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM],
        [AC_MSG_RESULT([yes]); $1="$$1${$1:+ }$sta_flag"],
        [AC_MSG_RESULT([no])])
    LDFLAGS=$sta_save
done
])
