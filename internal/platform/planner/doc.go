// Package planner decides what the local platform does with a brief: which sample app fits it, which inputs the brief has, and what
// is missing. It also holds the sample data of a brand: templates, trends, recommendations, scores. Where the real service asks a
// language model, the planner follows the rules of docs/dev.md, so that the same request always has the same result.
package planner
