// Package schemas tests the files of package export against the types and the rules of the engines themselves. It is a module of its own,
// so that their types are no dependency of the program.
package schemas
