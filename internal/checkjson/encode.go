package checkjson

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// object writes a JSON object field after field. Lists of a thousand checks are
// what clients ask for most, and by reflection they take twice as long.
type object struct{ json []byte }

// name begins a field. Names need no escapes.
func (o *object) name(name string) {
	last := len(o.json) - 1
	if o.json[last] != '{' {
		o.json = append(o.json, ',')
	}
	o.json = append(o.json, '"')
	o.json = append(o.json, name...)
	o.json = append(o.json, '"', ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.json = AppendText(o.json, value)
}

func (o *object) number(name string, value int64) {
	o.name(name)
	o.json = strconv.AppendInt(o.json, value, 10)
}

func (o *object) flag(name string, value bool) {
	o.name(name)
	o.json = strconv.AppendBool(o.json, value)
}

// moment writes a time as the API has it, null for none.
func (o *object) moment(name string, t time.Time) {
	o.name(name)
	if t.IsZero() {
		o.json = append(o.json, "null"...)
		return
	}
	o.json = append(o.json, '"')
	o.json = t.UTC().AppendFormat(o.json, TimeLayout)
	o.json = append(o.json, '"')
}

// address writes a text with an id in it; what is before it is escaped, what
// comes after it needs no escapes.
func (o *object) address(name, before string, id uuid.UUID, after string) {
	o.text(name, before)
	o.json = appendID(o.json[:len(o.json)-1], id)
	o.json = append(o.json, after...)
	o.json = append(o.json, '"')
}

// ids writes a text of ids with commas in between.
func (o *object) ids(name string, ids []uuid.UUID) {
	o.name(name)
	o.json = append(o.json, '"')
	for i, id := range ids {
		if i > 0 {
			o.json = append(o.json, ',')
		}
		o.json = appendID(o.json, id)
	}
	o.json = append(o.json, '"')
}

func appendID(b []byte, id uuid.UUID) []byte {
	b = append(hex.AppendEncode(b, id[:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return hex.AppendEncode(b, id[10:])
}

// AppendText appends a JSON string, escaped as encoding/json does it.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			// not reached: any text can be encoded
			if err != nil {
				quoted = []byte(`""`)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
