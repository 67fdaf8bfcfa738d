# SPDX-License-Identifier: MIT
"""Makes the data that the real programs of scripts/bench work on.

Everything comes from one seeded generator, so that two machines work on the
same bytes.  A file is made once; delete the folder to have it made anew.
"""

import json
import os
import random
import subprocess

WORDS = 20000


class Maker:
    """Makes each named thing in `folder` if it is not there yet."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.random = random.Random(1)
        letters = "etaoinshrdlucmfwypvbgk"
        self.words = ["".join(self.random.choices(letters, k=length))
                      for length in self.random.choices(range(2, 13), k=WORDS)]

    def make(self, name):
        """Returns the path of the thing, made by the method of its name."""
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            self.random.seed(name)
            part = path + ".part"
            getattr(self, "make_" + name.replace(".", "_"))(part)
            os.rename(part, path)
        return path

    def text(self, count):
        return " ".join(self.random.choices(self.words, k=count))

    def write(self, path, pieces):
        with open(path, "w") as out:
            for piece in pieces:
                out.write(piece)

    def make_lines_txt(self, path):
        self.write(path, (self.text(8) + "\n" for _ in range(400000)))

    def make_tree(self, path):
        for folder in range(40):
            os.makedirs(f"{path}/{folder}", exist_ok=True)
            for file in range(50):
                self.write(f"{path}/{folder}/{file}.txt",
                           (self.text(10) + "\n" for _ in range(300)))

    def make_repo(self, path):
        when = "2026-01-01T00:00:00Z"  # a commit's bytes have its time
        dates = dict(os.environ, GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)

        def git(*arguments):
            subprocess.run(["git", "-C", path, "-c", "user.name=bench", "-c",
                            "user.email=bench@localhost", *arguments],
                           check=True, stdout=subprocess.DEVNULL, env=dates)
        os.makedirs(path)
        git("init", "-q")
        for commit in range(60):
            for file in self.random.sample(range(200), 40):
                self.write(f"{path}/{file}.txt",
                           (self.text(9) + "\n" for _ in range(100)))
            git("add", ".")
            git("commit", "-q", "-m", f"change {commit}")

    def make_work_sql(self, path):
        words = self.words
        rows = (f"insert into t values({i}, '{self.random.choice(words)}', "
                f"'{self.text(6)}', {self.random.random()});\n"
                for i in range(60000))
        self.write(path, [
            "begin;\ncreate table t(id integer primary key, word text, "
            "line text, x real);\n", *rows, "commit;\n",
            "create index by_word on t(word);\n",
            "select count(*), sum(n) from (select word, count(*) n, "
            "group_concat(line) from t group by word);\n",
            "select count(*) from t a join t b on a.word = b.word;\n",
            "select line from t order by line limit 1 offset 5000;\n"])

    def make_work_py(self, path):
        self.write(path, ["""\
import json, re
words = [f"w{i * 7919 % 30011}" for i in range(300000)]
count = {}
for word in words:
    count[word] = count.get(word, 0) + 1
rows = [{"id": i, "word": w, "tags": [w[:2], w[-2:]], "x": i / 7}
        for i, w in enumerate(words[:60000])]
text = json.dumps(rows)
again = json.loads(text)
assert again == rows
parts = re.findall(r'"word": "(w[0-9]+)"', text)
tree = {}
for part in parts:
    node = tree
    for letter in part:
        node = node.setdefault(letter, {})
print(len(count), len(text), len(parts), len(tree))
"""])

    def make_work_pl(self, path):
        self.write(path, ["""\
use strict; use warnings;
my (%count, %by);
for my $i (0 .. 400000) {
    my $w = "w" . ($i * 7919 % 30011);
    $count{$w}++;
    push @{$by{substr($w, 0, 3)}}, "$w:$i";
}
my $text = join ",", map { "$_=$count{$_}" } sort keys %count;
my %again = map { split /=/ } split /,/, $text;
my $n = 0;
for my $k (sort keys %by) { $n += length join "", sort @{$by{$k}} }
print scalar(keys %again), " $n\\n";
"""])

    def make_work_lua(self, path):
        self.write(path, ["""\
local function tree(depth)
  if depth == 0 then return {} end
  return {tree(depth - 1), tree(depth - 1), name = "n" .. depth}
end
local function size(t)
  return t[1] and 1 + size(t[1]) + size(t[2]) or 1
end
local n, parts = 0, {}
for i = 1, 20 do n = n + size(tree(14)) end
for i = 1, 300000 do
  parts[#parts + 1] = ("w%d"):format(i * 7919 % 30011)
end
local count = {}
for _, w in ipairs(parts) do count[w] = (count[w] or 0) + 1 end
table.sort(parts)
print(n, #table.concat(parts, ","), next(count) ~= nil)
"""])

    def make_work_cc(self, path):
        parts = ["#include <algorithm>\n#include <functional>\n"
                 "#include <iostream>\n#include <map>\n#include <memory>\n"
                 "#include <string>\n#include <vector>\n"
                 "template <int N> struct tag { int value = N; };\n"]
        parts += [f"""
int part_{i}(const std::string &text) {{
    std::map<std::string, std::vector<tag<{i}>>> by;
    std::vector<std::unique_ptr<tag<{i}>>> all;
    for (auto &c : text) by[std::string(1, c)].push_back(tag<{i}>());
    for (auto &p : by)
        all.push_back(std::make_unique<tag<{i}>>(p.second.front()));
    std::sort(all.begin(), all.end(), [](const auto &a, const auto &b) {{
        return a->value < b->value; }});
    return static_cast<int>(all.size());
}}
""" for i in range(12)]
        self.write(path, parts)

    def make_work_xml(self, path):
        self.write(path, ["<list>\n", *(
            f'<item id="{i}" kind="{self.random.choice(self.words)}">'
            f"<name>{self.text(2)}</name><note>{self.text(12)}</note></item>\n"
            for i in range(80000)), "</list>\n"])

    def make_work_json(self, path):
        with open(path, "w") as out:
            json.dump([{"id": i, "kind": self.random.choice(self.words[:200]),
                        "note": self.text(8), "x": self.random.random(),
                        "tags": self.random.sample(self.words, 3)}
                       for i in range(60000)], out)

    def make_work_ps(self, path):
        page = "72 {} moveto ({}) show\n".format
        self.write(path, ["%!PS\n/Times-Roman findfont 9 scalefont setfont\n",
                          *("".join(page(760 - 10 * line, self.text(14))
                                    for line in range(70))
                            + "100 100 200 300 rectstroke showpage\n"
                            for _ in range(200))])

    def make_work_smt2(self, path):
        """No eight pigeons fit seven holes, and a product has no factors."""
        holes, birds = 7, 8
        lines = [f"(declare-const p{b}_{h} Bool)\n"
                 for b in range(birds) for h in range(holes)]
        lines += ["(assert (or " + " ".join(f"p{b}_{h}" for h in range(holes))
                  + "))\n" for b in range(birds)]
        lines += [f"(assert (not (and p{a}_{h} p{b}_{h})))\n"
                  for h in range(holes) for a in range(birds)
                  for b in range(a)]
        lines += ["(check-sat)\n(reset)\n"
                  "(declare-const x (_ BitVec 36))\n"
                  "(declare-const y (_ BitVec 36))\n"
                  "(assert (= (bvmul x y) (_ bv10000600009 36)))\n"
                  "(assert (bvult x (_ bv524288 36)))\n"
                  "(assert (bvult y (_ bv524288 36)))\n"
                  "(assert (bvugt x (_ bv1 36)))\n"
                  "(assert (bvugt y (_ bv1 36)))\n(check-sat)\n"]
        self.write(path, lines)

    def make_redis_sh(self, path):
        """The server runs under the allocator, the client does not."""
        self.write(path, ["""\
socket=$(mktemp -u)
redis-server --port 0 --unixsocket $socket --save '' --daemonize no \\
    --logfile /dev/null &
unset LD_PRELOAD
until redis-cli -s $socket ping >/dev/null 2>&1; do sleep 0.02; done
redis-benchmark -s $socket -q -r 100000 -n 200000 -P 16 -d 100 \\
    -t set,get,lpush,lpop,sadd,hset >/dev/null
redis-cli -s $socket shutdown nosave >/dev/null 2>&1
wait
"""])
