//go:build tools

// The public witness that the test runs, pinned like every other module here.
package main

import (
	_ "filippo.io/torchwood/cmd/litewitness"
)
