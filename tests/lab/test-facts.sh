#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the sensors rely on, asked of the running kernel: see facts-sock_diag.c.
exec "${SYNWARD_BUILD:-.}/tests/lab/facts-sock_diag"
