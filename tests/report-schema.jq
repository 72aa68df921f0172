# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Version 1 of the report: the exact fields of each event and their types, as libvfioalign(7) has them.
# A library of definitions: jq -L tests 'include "report-schema"; problems'

def events:
	{ schema: "integer", event: "string", pid: "integer or null", time_ns: "integer" } as $all |
	{ device: "string or null", fd: "integer", region: "integer", offset: "integer",
	  length: "integer" } as $range |
	{
		start: ($all + {
			version: "string", program: "string", placement: "string", steer: "boolean",
			relocate: "boolean", acting: "boolean", idle_by: "string or null",
			base_page: "integer", huge_pages: "list of integers"
		}),
		map: ($all + $range + {
			asked: "address or null", landed: "address or null",
			address: "address or null", best_page: "integer", page: "integer or null",
			outcome: "string", errno: "integer"
		}),
		reserve: ($all + $range + {
			asked: "address or null", reserved: "address", reserved_length: "integer",
			address: "address"
		}),
		dma_map: ($all + $range + {
			address: "address", iova: "address", duration_ns: "integer",
			faults: "integer or null", errno: "integer"
		})
	};

def words:
	{
		placement: ["auto", "off", "1G", "2M", "misalign"],
		idle_by: [null, "off", "only"],
		outcome: ["placed", "hint", "kept", "small", "fixed", "relocated", "no-room", "taken",
			"refused", "stuck", "off", "failed"]
	};

def is_of($kind):
	if $kind == "integer" then type == "number" and floor == . and . >= 0
	elif $kind == "string" then type == "string"
	elif $kind == "boolean" then type == "boolean"
	elif $kind == "address" then type == "string" and test("^0x(0|[1-9a-f][0-9a-f]{0,15})$")
	elif $kind == "list of integers" then type == "array" and all(is_of("integer"))
	elif $kind | endswith(" or null") then . == null or is_of($kind | rtrimstr(" or null"))
	else error("what is \($kind)?") end;

# What is wrong with an event: nothing, or strings.
def problems:
	. as $event | events[.event // ""] as $fields |
	if $fields == null then "unknown event \(.event)"
	else
		(select(.schema != 1) | "schema \(.schema)"),
		(select(keys != ($fields | keys)) | "fields \(keys) of \(.event)"),
		($fields | to_entries[] | . as $field |
			$event[.key] | select(is_of($field.value) | not) |
			"\($field.key) of \($event.event) is no \($field.value): \(.)"),
		(words | to_entries[] | . as { key: $key, value: $words } |
			select($event | has($key)) |
			$event[$key] as $word | select(($words | index([$word])) == null) |
			"\($key) of \($event.event) is \($word)")
	end;
