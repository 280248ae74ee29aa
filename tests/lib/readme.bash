# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The commands that a page in markdown shows, and what they print there. Needs
# transcript.bash.

page_transcript() {
	transcript < <(awk '/^    # / { shown = 1 }
		/^[^ ]/ { if (shown) print ""; shown = 0 }
		shown { sub(/^    /, ""); print }' "$1")
}

# Mask what differs from run to run: ids, process ids, times, the way to wait. The
# entries of a hash have no order.
page_stable() {
	sed -E -e '/^Warning: /d' \
	    -e 's/^[0-9]+: /ID: /' -e 's/outer_id [0-9]+/outer_id ID/' \
	    -e 's/map [0-9]+ (may|fl)/map ID \1/g' \
	    -e 's/"provider":"[a-z_]+","wait_us":[0-9]+/"provider":P,"wait_us":U/' \
	    -e 's/waited [0-9]+ us/waited U us/' \
	    -e 's#/[0-9_]+/[0-9]+_[0-9]+($|;)#/RUN/OUTER_INNER\1#' |
	    expand | sed -e ':a' -e '$!{N;ba' -e '}' -e 's/\n*$//' | sort_entries
}

# Each run of lines "key: ..." is sorted
sort_entries() {
	awk 'function flush(  i, j, t) {
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && e[j - 1] > e[j]; j--) {
					t = e[j]; e[j] = e[j - 1]; e[j - 1] = t
				}
			for (i = 1; i <= n; i++)
				print e[i]
			n = 0
		}
		/^key: / { e[++n] = $0; next }
		{ flush(); print }
		END { flush() }'
}
