package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"punctual/internal/notify"
	"punctual/internal/text"
)

// channelSchemas are the settings of channels in the OpenAPI document, among its
// schemas: one for each kind, and ChannelConfig, which is any of them. What a kind
// declares is what is sent and answered; of a change, only a part may be sent.
func channelSchemas(kinds []*notify.Kind) string {
	var out strings.Builder
	out.WriteString("ChannelConfig:\n      type: object\n")
	out.WriteString("      description: The settings of a channel. Which it has depends on its kind.\n      anyOf:\n")
	for _, k := range kinds {
		fmt.Fprintf(&out, "        - {$ref: '#/components/schemas/%s'}\n", schemaName(k))
	}
	for _, k := range kinds {
		about := quoted("The settings of a channel of the kind `" + k.Name + "`.")
		fmt.Fprintf(&out, "    %s:\n      type: object\n      description: %s\n", schemaName(k), about)
		out.WriteString("      additionalProperties: false\n")
		if len(k.Fields) > 0 {
			out.WriteString("      properties:\n")
		}
		for i := range k.Fields {
			fmt.Fprintf(&out, "        %s: %s\n", k.Fields[i].Key, settingSchema(&k.Fields[i]))
		}
	}
	return out.String()
}

// schemaName is what the settings of a kind are called in the document.
func schemaName(k *notify.Kind) string {
	return text.UpperFirst(k.Name) + "Config"
}

// settingSchema is one setting, as JSON.
func settingSchema(f *notify.Field) string {
	s := f.Value.Schema()
	s["description"] = f.Label + "."
	if f.About != "" {
		s["description"] = f.About
	}
	if len(f.Choices) == 0 {
		return quoted(s)
	}
	if s["type"] == "integer" {
		// Choices of numbers are in order.
		s["minimum"] = number(f.Choices[0])
		s["maximum"] = number(f.Choices[len(f.Choices)-1])
		return quoted(s)
	}
	enum := []string{""}
	for _, c := range f.Choices {
		enum = append(enum, c.Value)
	}
	s["enum"] = enum
	return quoted(s)
}

func number(c notify.Choice) int {
	n, err := strconv.Atoi(c.Value)
	if err != nil {
		return 0
	}
	return n
}

// quoted is a value in JSON, which is YAML.
func quoted(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return `""`
	}
	return string(data)
}
