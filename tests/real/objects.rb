# SPDX-License-Identifier: MIT
# Driven by ruby.sh.
require 'digest'
require 'json'

$x = 1
def draw(n) = ($x = $x * 16807 % 2147483647) % n

words = Array.new(100_000) { ('a'.ord + draw(20)).chr * (1 + draw(30)) }
count = words.tally.sort_by { |w, n| [-n, w] }
puts "words #{count.size} #{count.first}"
text = words.join(' ').gsub(/(.)\1{3}/) { $1.upcase }
puts "text #{text.size} #{Digest::SHA256.hexdigest(text)}"

rows = (1..20_000).map { |i| { 'id' => i, 'tags' => ["t#{i % 7}", nil, 1.5] } }
again = JSON.parse(JSON.generate(rows))
puts "json #{again == rows}"

sums = 4.times.map do |t|
  Thread.new do
    (1..30_000).map { |i| "#{t}:#{i}" }.group_by(&:size).map { |k, v|
      [k, v.size]
    }
  end
end
p sums.map(&:value)

queue = Queue.new
producer = Thread.new do
  20_000.times { |i| queue << "item #{i}" }
  queue << nil
end
total = 0
while (item = queue.pop)
  total += item.size
end
producer.join
puts "queue #{total}"

fibers = Array.new(500) { |i| Fiber.new { 3.times { |k| Fiber.yield i * k } } }
puts "fibers #{3.times.sum { fibers.sum(&:resume) }}"

rows = again = words = text = nil
GC.start
GC.compact if GC.respond_to?(:compact)
20.times do |i|
  pid = fork { exit!(Array.new(5000) { |k| "child #{k}" }.size % 256) }
  Process.wait(pid)
  puts "child #{i} #{$?.exitstatus}" if i % 10 == 0
end
puts GC.count > 1
puts `echo from a shell`
