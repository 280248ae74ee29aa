# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The files of the repository, and copies of it to build in

bats_require_minimum_version 1.5.0
export BATS_PRINT_OUTPUT_ON_FAILURE=1

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# sources [FIND_EXPRESSION...]: all files that are not built, as ./PATH
sources() {
	(cd "$ROOT" && find . \( -path ./build -o -path ./.git \) -prune -o \
		-type f -not -name '.checkpatch-camelcase.*' "$@" -print)
}

# copy_sources DIR: the repository, with nothing built
copy_sources() {
	mkdir -p "$1"
	(cd "$ROOT" && tar cf - --exclude=./build --exclude=./.git .) |
		tar xf - -C "$1"
}

# copy_build DIR: the repository with its build, which stays up to date
copy_build() {
	copy_sources "$1"
	# But for the packages with the Debian that they are tested in, and the guests
	mkdir "$1/build"
	tar cf - -C "$BUILD" --exclude=./deb --exclude=./vm \
		. | tar xf - -C "$1/build"
	# What depends on what is noted with whole paths
	find "$1/build" -name '*.d' -exec sed -i "s#$BUILD/#$1/build/#g" {} +
}
