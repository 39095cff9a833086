#!/bin/sh
# Runs hashvectors.go under every Go toolchain in the module cache and replays what it prints.
#
#     tests/hash/regenerate.sh TEST_HASH [--update]
#
# TEST_HASH is the built unit test. Prints one line a run: compared, wrong. --update also rewrites tests/hash/vectors/,
# with one version of each class of hash functions. Other machines than amd64 and 386 run under qemu-user
# where it is installed, else they are skipped; so are toolchains that are not there.
set -u

here=$(cd "$(dirname "$0")" && pwd)
test_hash=${1:?usage: regenerate.sh TEST_HASH [--update]}
update=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
modules=$(go env GOMODCACHE)/golang.org
failed=0

toolchain() { # VERSION: its GOROOT
	if [ "$(go env GOROOT)" != "" ] && [ "$(GOTOOLCHAIN=local go env GOVERSION)" = "go$1" ]; then
		GOTOOLCHAIN=local go env GOROOT
	else
		echo "$modules/toolchain@v0.0.1-go$1.linux-amd64"
	fi
}

emulator() { # GOARCH: the command that runs it, empty for native
	case $1 in
	amd64 | 386) ;;
	arm64) echo "qemu-aarch64 -cpu max" ;;
	mips64le) echo qemu-mips64el ;;
	mipsle) echo qemu-mipsel ;;
	*) echo "qemu-$1" ;;
	esac
}

# Software floats on mips*: old runtimes set up the processor for NaNs that qemu's does not have.
build() { # VERSION GOARCH
	[ -x "$work/$1.$2" ] && return 0
	root=$(toolchain "$1")
	[ -x "$root/bin/go" ] || return 1
	GOTOOLCHAIN=local GOROOT=$root GO111MODULE=off GOPATH=$work/gopath GOCACHE=$work/cache GOENV=off GOFLAGS= \
		GOMIPS=softfloat GOMIPS64=softfloat CGO_ENABLED=0 GOARCH=$2 "$root/bin/go" build -o "$work/$1.$2" "$here/hashvectors.go" 2>"$work/errors"
}

# VERSION GOARCH aes|noaes: the vectors into FILE
run() {
	version=$1 machine=$2 mode=$3 file=$work/$1-$2-$3.txt
	command=$(emulator "$machine")
	minor=${version#1.}
	minor=${minor%%.*}
	if [ -n "$command" ] && ! command -v "${command%% *}" >"/dev/null"; then
		echo "$version $machine $mode: skipped, no ${command%% *}"
		return
	fi
	# The runtimes before 1.11 do not start under qemu: its clone() wants flags that they do not give.
	[ -n "$command" ] && [ "$minor" -lt 11 ] && return
	if ! build "$version" "$machine"; then
		echo "$version $machine $mode: skipped, does not build"
		return
	fi
	argument=
	debug=
	if [ "$mode" = noaes ]; then
		[ "$minor" -le 11 ] && argument=noaes || debug=cpu.aes=off
	fi
	if ! HASHVECTORS_EXE=$work/$version.$machine GODEBUG=$debug timeout 20 \
		$command "$work/$version.$machine" $argument >"$file" 2>"$work/errors"; then
		echo "$version $machine $mode: skipped, does not run: $(head -1 "$work/errors")"
		return
	fi
	state=$(head -1 "$file")
	case "$mode $state" in
	"noaes "*true)
		echo "$version $machine $mode: FAILED, AES is still on"
		failed=1
		return
		;;
	esac
	"$test_hash" "$file" >"$work/out" 2>"$work/errors" || failed=1
	printf '%-8s %-8s aes %-5s %s\n' "$version" "$machine" "${state##* }" \
		"$(sed -n 's/.*\(compared.*\)/\1/p' "$work/out")"
	head -5 "$work/errors"
}

versions="1.8.7 1.9.7 1.10.8 1.11.13 1.12.17 1.13.15 1.14.15 1.15.15 1.16.15 1.17.13
	1.18.10 1.19.13 1.20.14 1.21.13 1.22.12 1.23.12 1.24.13 1.25.8 1.26.8 1.27.0"
for version in $versions; do
	for machine in amd64 386 arm64; do
		run "$version" "$machine" aes
		run "$version" "$machine" noaes
	done
	for machine in arm mips mipsle mips64 mips64le ppc64 ppc64le s390x riscv64 loong64; do
		run "$version" "$machine" aes
	done
done

if [ "$update" = --update ]; then
	collect() { # FILE RUNS...
		name=$1
		shift
		(cd "$work" && cat "$@") >"$here/vectors/$name.txt" || failed=1
	}
	collect amd64 1.8.7-amd64-aes.txt 1.27.0-amd64-aes.txt 1.16.15-amd64-noaes.txt 1.22.12-amd64-noaes.txt \
		1.23.12-amd64-noaes.txt 1.27.0-amd64-noaes.txt
	collect 386 1.17.13-386-aes.txt 1.18.10-386-aes.txt 1.16.15-386-noaes.txt 1.17.13-386-noaes.txt
	collect arm64 1.13.15-arm64-aes.txt 1.14.15-arm64-aes.txt 1.21.13-arm64-aes.txt 1.27.0-arm64-aes.txt
	collect others 1.12.17-mips-aes.txt 1.16.15-mips64-aes.txt 1.26.8-mips-aes.txt 1.27.0-mips-aes.txt \
		1.20.14-s390x-aes.txt
fi
exit $failed
