// Package server tests the example with a real Temporal server. It is a module of its own because the server has many dependencies.
package server
