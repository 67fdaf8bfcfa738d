# SPDX-License-Identifier: MIT
# Driven by perl.sh.
use strict;
use warnings;
use Data::Dumper;
use Digest::SHA qw(sha256_hex);
use List::Util qw(sum0 reduce);
use Storable qw(dclone freeze thaw);

my $x = 1;
sub draw { $x = $x * 16807 % 2147483647; return $x % $_[0] }

my %count;
$count{join '', map { chr(97 + draw(5)) } 1 .. 2 + draw(6)}++ for 1 .. 40000;
my @top = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print scalar(@top), " words, most: @top[0 .. 4]\n";

my $text = join ' ', @top;
$text =~ s/([ab]+)(c)/<$2$1>/g;
my $pairs = () = $text =~ /(?<w>\w)\k<w>/g;
print "text ", length $text, " pairs $pairs ", sha256_hex($text), "\n";

my $tree = {};
for my $word (@top) {
    my $node = $tree;
    $node = $node->{$_} //= {} for split //, $word;
    $node->{end} = $count{$word};
}
my $copy = thaw(freeze(dclone($tree)));
$Data::Dumper::Sortkeys = $Data::Dumper::Indent = 1;
print "same tree\n" if Dumper($copy) eq Dumper($tree);
delete $copy->{$_} for qw(a b);
print "left ", join(',', sort keys %$copy), "\n";

my @adders = map { my $n = $_; sub { $n + shift } } 1 .. 20000;
print "adders ", sum0(map { $_->(1) } @adders), "\n";
print "reduced ", (reduce { ($a * 31 + $b) % 1000003 } 1 .. 100000), "\n";

for my $i (1 .. 20) {
    my $pid = fork // die "fork: $!";
    exit(scalar(@{[map { [$_, "$_"] } 1 .. 2000]}) % 251) if !$pid;
    waitpid $pid, 0;
    print "child $i: ", $? >> 8, "\n" if $i % 10 == 0;
}
my $big = 'x' x 8_000_000;
substr($big, 3_000_000, 5) = 'hello' x 1000;
print "big ", length $big, " ", index($big, 'hello'), "\n";
print eval { die { code => 42 } } // "caught $@->{code}", "\n";
