// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writes BTF with nothing but an enum that has one enumerator: the types of a
 * kernel that this machine does not run.
 *
 * usage: btf_make FILE ENUM NAME VALUE
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/btf.h>

int main(int argc, char **argv)
{
	const void *data;
	struct btf *btf;
	__u32 size;
	FILE *file;

	if (argc != 5)
		errx(2, "usage: btf_make FILE ENUM NAME VALUE");

	btf = btf__new_empty();
	if (!btf || btf__add_enum(btf, argv[2], 4) < 0 ||
	    btf__add_enum_value(btf, argv[3], atoi(argv[4])))
		err(1, "can't make the enum");
	data = btf__raw_data(btf, &size);
	file = fopen(argv[1], "w");
	if (!data || !file || fwrite(data, size, 1, file) != 1 || fclose(file))
		err(1, "can't write %s", argv[1]);
	btf__free(btf);

	return 0;
}
