package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const (
	prefix     = "PUNCTUAL_"
	fileSuffix = "_FILE"
)

// setting is one field of Config, seen through its tags.
type setting struct {
	// PUNCTUAL_SMTP_HOST
	variable string
	// smtp-host
	flag string
	// "", "true", "url"
	secret string
	tag    reflect.StructTag
	value  reflect.Value
}

// settings lists the fields of c in their order; writing to a value writes to c.
func settings(c *Config) []setting {
	fields := reflect.ValueOf(c).Elem()
	var list []setting
	for field, value := range fields.Fields() {
		name, found := field.Tag.Lookup("name")
		if !found {
			continue
		}
		list = append(list, setting{
			variable: Variable(name), flag: name, secret: field.Tag.Get("secret"), tag: field.Tag, value: value,
		})
	}
	return list
}

// Lookup is the value of the setting with the name of its flag, as it is written in
// the environment: "true", "300"; "" = there is none, or it is empty.
func (c *Config) Lookup(name string) string {
	for _, s := range settings(c) {
		if s.flag == name {
			return s.text()
		}
	}
	return ""
}

// Variable is the environment variable that belongs to a flag's name:
// smtp-host → PUNCTUAL_SMTP_HOST.
func Variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// set parses text into the field. The error says what was seen and what is
// allowed, without the name; a secret is never part of it.
func (s setting) set(text string) error {
	switch s.value.Kind() {
	case reflect.Bool:
		b, err := parseBool(text)
		if err != nil {
			return err
		}
		s.value.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, s.value.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a whole number%s", text, s.bounds())
		}
		s.value.SetInt(n)
	case reflect.Slice:
		s.value.Set(reflect.ValueOf(splitList(text)))
	default:
		s.value.SetString(text)
	}
	return nil
}

// check holds the value against the bounds and the choices of its tags.
func (s setting) check() error {
	switch {
	case s.value.CanInt():
		n := s.value.Int()
		if n < s.limit("min") || n > s.limit("max") {
			return fmt.Errorf("%d is not allowed%s", n, s.bounds())
		}
	case s.tag.Get("enum") != "":
		choices := strings.Split(s.tag.Get("enum"), ",")
		if !slices.Contains(choices, s.value.String()) {
			return fmt.Errorf("%q is not one of %s", s.value.String(), strings.Join(choices, ", "))
		}
	}
	return nil
}

func (s setting) limit(tag string) int64 {
	n, err := strconv.ParseInt(s.tag.Get(tag), 10, 64)
	if err != nil {
		// our own struct; a test loads it
		panic(fmt.Sprintf("config: %s: tag %s: %v", s.variable, tag, err))
	}
	return n
}

func (s setting) bounds() string {
	return fmt.Sprintf(" (allowed: %s to %s)", s.tag.Get("min"), s.tag.Get("max"))
}

// text is the value as it would be written in the environment.
func (s setting) text() string {
	list, ok := s.value.Interface().([]string)
	if ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(s.value.Interface())
}

// parseBool takes what operators write, among it the True and False of
// Healthchecks' settings.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is not true or false", text)
}

// splitList takes the words between commas, without blanks and empty ones.
func splitList(text string) []string {
	list := []string{}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		if word != "" {
			list = append(list, word)
		}
	}
	return list
}
