package loose

import (
	"cmp"
	"reflect"
	"strings"
)

// FieldName returns the name of a field of a struct in JSON; empty if the field is left out there.
func FieldName(f reflect.StructField) string {
	tag := f.Tag.Get("json")
	if tag == "-" || !f.IsExported() {
		return ""
	}
	name, _, _ := strings.Cut(tag, ",")
	return cmp.Or(name, f.Name)
}
