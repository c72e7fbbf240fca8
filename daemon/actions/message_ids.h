/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * MESSAGE_ID of each event in the journal: promises, like the names of the
 * events. systemd/synward.catalog explains each; a new one comes from
 * "systemd-id128 new". In the order of enum event_type.
 */

#define MESSAGE_ID_FLOOD_START         "c0be2ca608244372b557483d613f4cbe"
#define MESSAGE_ID_FLOOD_UPDATE        "5413f69c050048929e0ed81cd6a70467"
#define MESSAGE_ID_FLOOD_END           "d30d48955543461296973ae2a540961d"
#define MESSAGE_ID_SYNCOOKIES_SET      "48ad78bf2dc24607aa456edc01de3c84"
#define MESSAGE_ID_SYNCOOKIES_RESTORED "a88413a9db6246bfa7e8a789e72cfa09"
#define MESSAGE_ID_SYNCOOKIES_FOREIGN  "c7eadacd6397483b8b353c382ce83bdc"
#define MESSAGE_ID_SOURCE_BLOCKED      "9f7dd3035fe24605b108206d3a604b04"
#define MESSAGE_ID_SOURCE_UNBLOCKED    "13a341475be4457fbddaceb9567b4488"
#define MESSAGE_ID_SOURCE_LIMITED      "1cb916b4aaa3478dad59ace67c241780"
#define MESSAGE_ID_SOURCE_UNLIMITED    "22caa8fef4c042608dcae1e844118814"
#define MESSAGE_ID_SENSOR_DEGRADED     "58bff75ab8354340948153db2e1971d7"
#define MESSAGE_ID_SENSOR_RECOVERED    "5d0dd651d237484593289db71c8c0dbd"
#define MESSAGE_ID_CONFIG_RELOADED     "047f73fe6bb34ae2b9e99a6ff9c6cde6"
#define MESSAGE_ID_CONFIG_REJECTED     "6a601bf89e1b4f2b8244592138da9007"
#define MESSAGE_ID_HOOK_FAILED         "e31d30efc3694d969385300f77b7a70e"
