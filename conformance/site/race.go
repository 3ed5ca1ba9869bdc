//go:build race

package site

const race = true
