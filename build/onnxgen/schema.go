package main

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// message is one message type of the schema, nested types flattened.
type message struct {
	Proto  string // official name, as "TensorShapeProto.Dimension"
	Name   string // Go name, as "TensorShapeDimension"
	Fields []field
}

// enum is one enumeration of the schema.
type enum struct {
	Name   string
	Proto  string
	Values []*descriptorpb.EnumValueDescriptorProto
}

// field is one field of a message, in field number order.
type field struct {
	Number   int
	Proto    string // official name, as "op_type"
	Name     string // Go name, as "OpType"
	Kind     kind
	Type     string // Go type of one element
	Repeated bool
	Packed   bool // repeated scalars: the form that the schema declares
	Oneof    int  // index of its oneof, or -1
	Bit      int  // presence bit of a singular scalar, form bit of a repeated one; -1 without
}

// kind is how a field lies on the wire.
type kind int

const (
	kindVarint kind = iota
	kindFixed32
	kindFixed64
	kindString
	kindBytes
	kindMessage
)

// wire returns the protobuf wire type of the kind.
func (k kind) wire() int {
	return [...]int{kindVarint: 0, kindFixed32: 5, kindFixed64: 1, kindString: 2, kindBytes: 2, kindMessage: 2}[k]
}

// scalar reports whether repeated fields of the kind can be packed.
func (k kind) scalar() bool { return k <= kindFixed64 }

// scalars lists the protobuf types that ONNX uses, with their Go types.
var scalars = map[descriptorpb.FieldDescriptorProto_Type]struct {
	kind kind
	typ  string
}{
	descriptorpb.FieldDescriptorProto_TYPE_INT32:  {kindVarint, "int32"},
	descriptorpb.FieldDescriptorProto_TYPE_INT64:  {kindVarint, "int64"},
	descriptorpb.FieldDescriptorProto_TYPE_UINT64: {kindVarint, "uint64"},
	descriptorpb.FieldDescriptorProto_TYPE_FLOAT:  {kindFixed32, "float32"},
	descriptorpb.FieldDescriptorProto_TYPE_DOUBLE: {kindFixed64, "float64"},
	descriptorpb.FieldDescriptorProto_TYPE_STRING: {kindString, "string"},
	descriptorpb.FieldDescriptorProto_TYPE_BYTES:  {kindBytes, "[]byte"},
}

// load reads a serialized FileDescriptorProto.
func load(desc []byte) ([]message, []enum, error) {
	var file descriptorpb.FileDescriptorProto
	if err := proto.Unmarshal(desc, &file); err != nil {
		return nil, nil, err
	}
	var messages []message
	var enums []enum
	var walk func(prefix string, ms []*descriptorpb.DescriptorProto, es []*descriptorpb.EnumDescriptorProto) error
	walk = func(prefix string, ms []*descriptorpb.DescriptorProto, es []*descriptorpb.EnumDescriptorProto) error {
		for _, e := range es {
			enums = append(enums, enum{goType(prefix + e.GetName()), prefix + e.GetName(), e.Value})
		}
		for _, m := range ms {
			name := prefix + m.GetName()
			fields, err := fieldsOf(m)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			messages = append(messages, message{name, goType(name), fields})
			if err := walk(name+".", m.NestedType, m.EnumType); err != nil {
				return err
			}
		}
		return nil
	}
	err := walk("", file.MessageType, file.EnumType)
	return messages, enums, err
}

func fieldsOf(m *descriptorpb.DescriptorProto) ([]field, error) {
	var fields []field
	for _, f := range m.Field {
		x := field{Number: int(f.GetNumber()), Proto: f.GetName(), Name: camel(f.GetName()), Oneof: -1, Bit: -1,
			Repeated: f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REPEATED, Packed: f.GetOptions().GetPacked()}
		if f.OneofIndex != nil {
			x.Oneof = int(f.GetOneofIndex())
		}
		switch f.GetType() {
		case descriptorpb.FieldDescriptorProto_TYPE_ENUM:
			x.Kind, x.Type = kindVarint, goType(local(f.GetTypeName()))
		case descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
			x.Kind, x.Type = kindMessage, goType(local(f.GetTypeName()))
		default:
			s, ok := scalars[f.GetType()]
			if !ok {
				return nil, fmt.Errorf("field %s has type %v, which onnxgen does not know", x.Proto, f.GetType())
			}
			x.Kind, x.Type = s.kind, s.typ
		}
		fields = append(fields, x)
	}
	// Writers emit fields in number order, whatever the order of declaration.
	slices.SortFunc(fields, func(a, b field) int { return a.Number - b.Number })
	bit := 0
	for i, f := range fields {
		if f.Number > 31 {
			return nil, fmt.Errorf("field %s has number %d, and the mask of known fields has 32 bits", f.Proto, f.Number)
		}
		if f.Repeated && f.Kind.scalar() || !f.Repeated && f.Kind != kindMessage {
			fields[i].Bit = bit
			bit++
		}
	}
	return fields, nil
}

// local strips the package from a full type name.
func local(full string) string { return strings.TrimPrefix(full, ".onnx.") }

// goType turns "TensorShapeProto.Dimension" into "TensorShapeDimension". An enumeration that repeats
// the name of its message, as AttributeProto.AttributeType, does not say it twice.
func goType(name string) string {
	parts := strings.Split(strings.ReplaceAll(name, "Proto", ""), ".")
	out := ""
	for _, p := range parts {
		out = strings.TrimSuffix(out, prefixOf(p, out)) + p
	}
	return out
}

func prefixOf(s, p string) string {
	if p != "" && strings.HasPrefix(s, p) {
		return p
	}
	return ""
}

// camel turns "op_type" into "OpType".
func camel(s string) string {
	out := ""
	for _, p := range strings.Split(s, "_") {
		if p != "" {
			out += strings.ToUpper(p[:1]) + strings.ToLower(p[1:])
		}
	}
	return out
}
