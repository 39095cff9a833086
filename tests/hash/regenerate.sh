#!/bin/sh
# Runs hashvectors.go and keyvectors.go under every Go toolchain in the module cache and replays what they print.
#
#     tests/hash/regenerate.sh BUILD [--update]
#
# BUILD is the build directory, with the unit tests in it. Prints one line a run: compared, wrong. --update also
# rewrites tests/hash/vectors/, with one version of each class of hash functions, under 200 KB together. Other machines than amd64 and 386 run under qemu-user
# where it is installed, else they are skipped; so are toolchains that are not there. In the environment: VERSIONS,
# MACHINES (those under qemu) and WORK (a directory that is kept: an earlier run's output counts for --update).
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: regenerate.sh BUILD [--update]}
update=${2:-}
if [ -n "${WORK:-}" ]; then
	work=$WORK
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' INT TERM
fi
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
build() { # VERSION GOARCH PROGRAM
	[ -x "$work/$1.$2.$3" ] && return 0
	root=$(toolchain "$1")
	[ -x "$root/bin/go" ] || return 1
	GOTOOLCHAIN=local GOROOT=$root GO111MODULE=off GOPATH=$work/gopath GOCACHE=$work/cache GOENV=off GOFLAGS= \
		GOMIPS=softfloat GOMIPS64=softfloat CGO_ENABLED=0 GOARCH=$2 \
		"$root/bin/go" build -o "$work/$1.$2.$3" "$here/$3vectors.go" "$here/common.go" 2>"$work/errors"
}

# VERSION GOARCH aes|noaes hash|key: runs it and replays what it printed
run() {
	version=$1 machine=$2 mode=$3 program=$4 file=$work/$1-$2-$3-$4.txt
	what="$version $machine $mode $program"
	command=$(emulator "$machine")
	minor=${version#1.}
	minor=${minor%%.*}
	# The runtimes before 1.11 do not start under qemu: its clone() wants flags that they do not give.
	[ -n "$command" ] && [ "$minor" -lt 11 ] && return
	if [ -n "$command" ] && ! command -v "${command%% *}" >/dev/null; then
		echo "$what: skipped, no ${command%% *}"
		return
	fi
	if ! build "$version" "$machine" "$program"; then
		echo "$what: skipped, does not build: $(sed -n 1p "$work/errors")"
		return
	fi
	argument=
	debug=
	if [ "$mode" = noaes ]; then
		[ "$minor" -le 11 ] && argument=noaes || debug=cpu.aes=off
	fi
	if ! HASHVECTORS_EXE=$work/$version.$machine.$program GODEBUG=$debug timeout 30 \
		$command "$work/$version.$machine.$program" $argument >"$file" 2>"$work/errors"; then
		echo "$what: skipped, does not run: $(sed -n 1p "$work/errors")"
		return
	fi
	state=$(sed -n 1p "$file")
	case "$mode $state" in
	"noaes "*true)
		echo "$what: FAILED, AES is still on"
		failed=1
		return
		;;
	esac
	test=test_hash
	[ "$program" = key ] && test=test_key_hash
	"$build/tests/unit/$test" "$file" >"$work/out" 2>"$work/errors" || failed=1
	printf '%-8s %-8s aes %-5s %-4s %s\n' "$version" "$machine" "${state##* }" "$program" \
		"$(sed -n 's/.*\(compared.*\)/\1/p' "$work/out")"
	sed -n 1,5p "$work/errors"
}

versions=${VERSIONS:-"1.8.7 1.9.7 1.10.8 1.11.13 1.12.17 1.13.15 1.14.15 1.15.15 1.16.15 1.17.13
	1.18.10 1.19.13 1.20.14 1.21.13 1.22.12 1.23.12 1.24.13 1.25.8 1.26.8 1.27.0"}
machines=${MACHINES:-"arm mips mipsle mips64 mips64le ppc64 ppc64le s390x riscv64 loong64"}
for version in $versions; do
	for program in hash key; do
		for machine in amd64 386 arm64; do
			run "$version" "$machine" aes $program
			run "$version" "$machine" noaes $program
		done
		for machine in $machines; do
			run "$version" "$machine" aes $program
		done
	done
	rm -rf "$work/$version".*
done

if [ "$update" = --update ]; then
	collect() { # FILE RUNS...
		name=$1
		shift
		(cd "$work" && cat "$@") >"$work/collected" && cp "$work/collected" "$here/vectors/$name.txt" || failed=1
	}
	collect amd64 1.27.0-amd64-aes-hash.txt 1.16.15-amd64-noaes-hash.txt 1.22.12-amd64-noaes-hash.txt \
		1.23.12-amd64-noaes-hash.txt
	collect 386 1.17.13-386-aes-hash.txt 1.18.10-386-aes-hash.txt 1.16.15-386-noaes-hash.txt
	collect arm64 1.13.15-arm64-aes-hash.txt 1.14.15-arm64-aes-hash.txt 1.27.0-arm64-aes-hash.txt
	collect keys 1.13.15-386-aes-key.txt 1.16.15-mips64-aes-key.txt 1.27.0-386-aes-key.txt
	collect others 1.12.17-mips-aes-hash.txt 1.26.8-mips-aes-hash.txt 1.27.0-mips-aes-hash.txt
fi
exit $failed
