# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# docs/prometheus.md: the totals are exact, whenever the script is killed

load ../lib/common
load ../lib/pages

PAGE=$BATS_TEST_DIRNAME/../../docs/prometheus.md
EXAMPLES=$BATS_TEST_DIRNAME/../../docs/examples
PROMTOOL=$BUILD/prometheus/usr/bin/promtool

setup() {
	setup_metrics
}

teardown() {
	[ -z "${load:-}" ] || kill "$load" 2>/dev/null || true
	cleanup_recipe
}

@test "the page's commands do what the page shows" {
	local root=$BATS_TEST_TMPDIR/root got want seen=0

	mkdir -p "$root"/{usr/local/sbin,etc/systemd/system} \
		"$root/var/lib/prometheus/node-exporter"
	packets 1 3
	packets 2 1
	page_transcript "$PAGE"
	unset TEXTFILE STATE
	cd "$BATS_TEST_DIRNAME/../.."
	for i in "${!CMD[@]}"; do
		# There is no systemd here that could enable it
		[[ ${CMD[i]} != systemctl* ]] || continue
		got=$(sed -E -e "s#/(usr/local|etc/systemd|var/lib)/#$root/&#g" \
			-e "s#/sys/fs/bpf/app#$PINS#" <<<"${CMD[i]}" |
			STATE=$root/state \
			TEXTFILE=$root/var/lib/prometheus/node-exporter/flows.prom \
			bash -e 2>&1)
		got=$(sed -E 's/[0-9]{10}\.?[0-9]*/TIME/' <<<"$got")
		want=$(sed -E 's/[0-9]{10}\.[0-9]+/TIME/' <<<"${OUT[i]}")
		as_shown "$i" "$want" "$got"
		seen=$((seen + 1))
	done
	[ "$seen" -eq 4 ]
}

@test "promtool accepts what the collector reads, and refuses what it must" {
	packets 1 5
	packets 2 6
	drain_metrics
	"$PROMTOOL" check metrics <"$TEXTFILE"
	sed 's/flows_packets_total/flows_packets/' "$TEXTFILE" >"$T/bad.prom"
	run ! "$PROMTOOL" check metrics <"$T/bad.prom"
}

@test "systemd accepts the units" {
	sed "s#/usr/local/sbin/drain-metrics#$SCRIPT#" \
		"$EXAMPLES/drain-metrics.service" >"$T/drain-metrics.service"
	cp "$EXAMPLES/drain-metrics.timer" "$T"
	systemd-analyze verify "$T"/drain-metrics.{timer,service} >"$T/log" 2>&1
	# What the machine says to other units is not ours
	run grep drain-metrics "$T/log"
	[ -z "$output" ]
	systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' \
		"$EXAMPLES/drain-metrics.timer")"

	sed -i 's/^Type=.*/Type=never/' "$T/drain-metrics.service"
	run systemd-analyze verify "$T/drain-metrics.service"
	[[ $output == *drain-metrics.service*never* ]]
}

# An exact total, which is noted
publish() {
	exact && look
}

@test "increments become totals, and intervals follow on each other" {
	packets 1 3
	drain_metrics
	look
	since=$(sample since)
	[ "$(sample from)" = "$since" ]
	until=$(sample until)
	packets 1 4
	packets 2 1
	publish
	grep -qx 'flows_packets_total{address="10.0.0.1"} 7' "$TEXTFILE"
	[ "$(sample from)" = "$until" ]
	[ "$(sample since)" = "$since" ]
	# What was counted after "until" only is not in it
	jq -e '.until < now' "$STATE/state.json"
	publish
	intervals_join exactly
	# Somebody removes the file: the next has it all
	rm "$TEXTFILE"
	exact
	[ "$(sample from)" = "$since" ]
}

@test "a per-CPU map is added up, and a map without BTF is an error" {
	map_make --fill 1 hash - array_of_maps "$PINS/outer"
	MAP=$PINS/outer run ! drain_metrics
	[[ $output == *'no BTF'* ]]
	# It is not thrown away
	[ "$(jq -r '.[0].elements[0].key[0]' "$STATE"/in/*)" = 0x00 ]
}

# Kills the script before its N-th command, whichever process runs it
kill_at() {
	cat >"$T/kill_at" <<-'END'
		at() {
			if (($BASHPID == $$ && ++n == KILL_AT)); then
				kill -KILL $$
			fi
		}
		set -T
		trap at DEBUG
	END
	KILL_AT=$1 BASH_ENV=$T/kill_at drain_metrics bash
}

# killed_at_each COMMAND...: which is run after each; mostly the next one is killed as
# well, else "exact" is run
killed_at_each() {
	local at status=137

	for ((at = 1; status == 137; at++)); do
		packets $((at % 2 + 1)) "$at"
		status=0
		kill_at "$at" >/dev/null 2>&1 || status=$?
		"$@"
		((at % 4)) || {
			packets 1 "$at"
			exact
			"$@"
		}
		((at < 500))
	done
	[ "$status" -eq 0 ]
	echo "$at commands"
	((at > 40))
	exact
	"$@"
	[ -z "$(find "$STATE/in" "$JOURNAL" -mindepth 1)" ]
}

@test "killed before each of its commands in turn: added once, in one interval" {
	killed_at_each look
	intervals_join exactly
}

# How many were sent by now, at most: one command more is under way
sent_at_most() {
	echo $(($(sed -n '$s/.* //p' "$T/sent") + 1000))
}

@test "killed at random moments, with all it started, under load: added once, in one interval" {
	# How long a run takes: none is killed much later than that
	packets 1 1000
	takes=$(date +%s%3N)
	drain_metrics
	takes=$(($(date +%s%3N) - takes))
	look

	# Until the file "stop" is there
	(
		until [ -e "$T/stop" ]; do
			packets 1 1000
		done
	) 3>&- &
	load=$!
	for i in {1..60}; do
		setsid "$SCRIPT" >/dev/null 2>&1 3>&- &
		pid=$!
		ms=$((RANDOM % (takes * 3 / 2)))
		sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
		# Every other time what it started stays. A fifth ends in
		# peace, so that there is something published.
		if ((i % 5 == 0)); then
			wait "$pid"
		elif ((i % 2)); then
			kill -KILL -- "-$pid" 2>/dev/null || true
		else
			kill -KILL "$pid" 2>/dev/null || true
		fi
		wait "$pid" 2>/dev/null || true
		look "$(sent_at_most)"
	done
	touch "$T/stop"
	wait "$load"
	SENT=$(sed -n '$s/.* //p' "$T/sent")
	publish
	cat "$T/published"
	(($(wc -l <"$T/published") > 10))
	intervals_join
}

# The script, with what stdin has in bpftool's place. $status is set.
run_with_bpftool() {
	rm "$T/bin/bpftool"
	{ echo '#!/bin/sh'; cat; } >"$T/bin/bpftool"
	chmod +x "$T/bin/bpftool"
	run drain_metrics
	ln -sf "$BPFTOOL" "$T/bin/bpftool"
}

# The script, whose bpftool is killed between its last byte and the release of the maps
kill_before_release() {
	run_with_bpftool <<-END
		case "\$*" in
		*recover*|prog*) exec $BPFTOOL "\$@" ;;
		esac
		exec strace -qq -o /dev/null -e trace=unlink,unlinkat \
			-e inject=unlink,unlinkat:signal=KILL:when=1 \
			$BPFTOOL "\$@"
	END
	[ "$status" -ne 0 ]
}

@test "a plain map: increments become totals, whenever the script is killed" {
	export MAP=$PINS/packets
	packets 1 3
	exact
	packets 1 4
	packets 2 1
	exact
	grep -qx 'flows_packets_total{address="10.0.0.1"} 7' "$TEXTFILE"
	killed_at_each true
	[ ! -e "$PINS/journal_kept" ]
}

@test "a plain map: bpftool is killed between the last byte and the release" {
	export MAP=$PINS/packets
	packets 1 7
	kill_before_release
	packets 1 5
	exact
}

# changed_script SED: a script that is not the same takes the example's place
changed_script() {
	sed "$1" "$SCRIPT" >"$T/changed"
	run -1 cmp -s "$SCRIPT" "$T/changed"
	chmod +x "$T/changed"
	SCRIPT=$T/changed
}

# kill_before_publishing: the script is killed when it renames the text file
kill_before_publishing() {
	cat >"$T/bin/mv" <<-END
		#!/bin/sh
		[ "\$2" != "$TEXTFILE" ] || exec kill -KILL \$PPID
		exec $(type -P mv) "\$@"
	END
	chmod +x "$T/bin/mv"
	run -137 drain_metrics
	rm "$T/bin/mv"
}

# kill_after_draining: the script is killed with a file in "in" that is complete
kill_after_draining() {
	run_with_bpftool <<-END
		case "\$*" in
		*recover*) exec $BPFTOOL "\$@" ;;
		esac
		$BPFTOOL "\$@"
		kill -KILL \$PPID
	END
	[ "$status" -eq 137 ]
	jq -e '.[0].elements | length > 0' "$STATE"/in/*
}

# An interval that is published, one for each KILL... that is not, and the one
# which has to have them all
interrupted_by() {
	local how

	packets 1 1
	publish
	for how in "$@"; do
		packets 1 10
		"$how"
		look
	done
	packets 1 100
	publish
	cat "$T/published"
	[ "$(wc -l <"$T/published")" -eq 2 ]
}

@test "killed before it publishes: the next interval begins at the last published" {
	interrupted_by kill_before_publishing
	intervals_join exactly
}

@test "killed after it drained: the next interval begins at the last published" {
	interrupted_by kill_after_draining
	intervals_join exactly
}

@test "killed several times: the next interval begins at the last published" {
	interrupted_by kill_after_draining kill_before_publishing \
		kill_before_publishing kill_after_draining
	intervals_join exactly
}

@test "control: an interval that begins where the last run's ended leaves a gap" {
	# What was written last, published or not
	changed_script '/^publish()/,/^\tfi/s/TEXTFILE/&.new/'
	interrupted_by kill_before_publishing
	run ! intervals_join exactly
	[[ $output == *"does not join"*"of 100 sent, increment"* ]] || {
		echo "$output"
		return 1
	}
}

@test "printed, and printed again by recover: added once" {
	packets 1 7
	kill_before_release
	# Both are there: this is the case that is meant
	jq -e '.[0].elements[0].formatted.value == 7' "$STATE"/in/*
	[ -n "$(find "$JOURNAL" -mindepth 2)" ]
	packets 1 5
	exact
}

@test "control: without the ids it would be added twice" {
	changed_script 's/| if \.before + \.added | index(\$id) then/| if false then/'
	packets 1 7
	kill_before_release
	drain_metrics
	[ "$(total)" -eq 14 ]
}

@test "an output that was cut off is taken from the journal" {
	packets 1 7
	# The disk is full for the drained maps
	bpftool -j map swap-drain pinned "$MAP" all journal "$JOURNAL" \
		>/dev/full 2>/dev/null && return 1
	mkdir -p "$STATE/in"
	echo -n '[{"slot":["0x00"' >"$STATE/in/boot.1.json"
	: >"$STATE/in/boot.2.json"
	exact
}

@test "a drain that fails says why, and is no obstacle to the next" {
	packets 1 7
	MAP=$PINS/nothing run ! drain_metrics
	[[ $output == *"Error: "*"$PINS/nothing"* ]]
	packets 1 5
	exact
}

@test "a script that does not get its turn says so" {
	changed_script 's/flock -w 50 /flock -w 0.1 /'
	mkdir "$STATE"
	run -1 flock "$STATE/lock" "$SCRIPT"
	[[ $output == "Error: another run has held $STATE/lock"* ]]
}

@test "one map that can't be recovered keeps nothing else back" {
	for packets in 7 5; do
		packets 1 "$packets"
		bpftool map swap-drain pinned "$MAP" all journal "$JOURNAL" \
			>/dev/full 2>"$T/err" && return 1
		[ -n "${pin-}" ] || pin=$(find "$JOURNAL" -type f)
	done
	[ "$(find "$JOURNAL" -type f | wc -l)" -eq 2 ]

	# The first is in use again
	bpftool map update pinned "$PINS/kinds" key 2 0 0 0 value pinned "$pin"
	packets 1 3
	for packets in 0 2; do
		packets 1 "$((packets + 1))"
		run ! drain_metrics
		[[ $output == *"Error: "*"may still be written to"* ]]
		[ "$(total)" -eq $((SENT - 7)) ]
	done

	bpftool map delete pinned "$PINS/kinds" key 2 0 0 0
	exact
	[ -z "$(find "$JOURNAL" -mindepth 1)" ]
}

@test "the other maps of the machine are left alone" {
	# Another run's, in the journal that all share
	bpftool map swap-drain pinned "$PINS/kinds" key 0 0 0 0 >/dev/full \
		2>"$T/log" && return 1
	packets 1 2
	exact
	pin=$(sed -n 's/^Error: .* pinned at \([^;]*\).*/\1/p' "$T/log")
	[ -e "$pin" ]
}
