-- SPDX-License-Identifier: MIT
-- Driven by lua.sh.

local function tree(depth)
  if depth == 0 then return {} end
  return {tree(depth - 1), tree(depth - 1)}
end

local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end

local kept = tree(16)
for depth = 4, 14, 2 do
  local sum = 0
  for _ = 1, 2 ^ (16 - depth) do sum = sum + count(tree(depth)) end
  print(depth, sum)
end
print("kept", count(kept))

local x, words = 1, {}
local function draw(n) x = x * 16807 % 2147483647; return x % n end
for _ = 1, 200000 do
  local w = string.rep(string.char(97 + draw(26)), draw(40)) .. draw(999)
  words[w] = (words[w] or 0) + 1
end
local keys = {}
for w in pairs(words) do keys[#keys + 1] = w end
table.sort(keys)
print("words", #keys, keys[1], keys[#keys])
local text = table.concat(keys, " ")
print("text", #text, select(2, text:gsub("(%d)%1", "<%1>")))

local weak = setmetatable({}, {__mode = "v"})
for i = 1, 1000 do weak[i] = {i} end
words, keys, text, kept = nil, nil, nil, nil
collectgarbage()
collectgarbage()
print("weak", next(weak))
print("small again", collectgarbage("count") < 1000)

local threads = {}
for i = 1, 5000 do
  threads[i] = coroutine.wrap(function(n)
    for k = 1, 3 do n = n + coroutine.yield(n * k) end
    return n
  end)
end
local sum = 0
for round = 1, 4 do
  for i = 1, #threads do sum = sum + threads[i](i) end
end
print("coroutines", sum)
print(pcall(string.rep, "x", 1 << 50))
collectgarbage("generational")
for i = 1, 300000 do local t = {i, tostring(i)}; sum = sum + #t[2] end
print("generational", sum)
