/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef __BPFTOOL_KERNEL_BTF_H
#define __BPFTOOL_KERNEL_BTF_H

/* kernel_btf_has_name() - does the kernel have a type, function or enumerator?
 *
 * Reads the string section only: about 1 ms, where parsing all types takes tens.
 * Returns 1 or 0, or -errno if the kernel's BTF can't be read.
 */
int kernel_btf_has_name(const char *name);

#endif /* __BPFTOOL_KERNEL_BTF_H */
