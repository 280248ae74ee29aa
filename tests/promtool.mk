# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Prometheus' own check of what it reads. The package is unpacked, not installed:
# that would start a server

PROMTOOL := build/prometheus/usr/bin/promtool
$(PROMTOOL): | build/.check-packages
	$(Q)rm -rf build/prometheus
	$(Q)mkdir -p build/prometheus
	$(Q)cd build/prometheus && { apt-get -qq download prometheus || \
		{ apt-get -qq update && apt-get -qq download prometheus; }; } \
		>log 2>&1 || { cat log >&2; exit 1; }
	$(Q)dpkg --fsys-tarfile build/prometheus/*.deb | \
		tar xf - -C build/prometheus ./usr/bin/promtool
	$(Q)rm build/prometheus/*.deb
	@touch $@

check-host: $(PROMTOOL)
