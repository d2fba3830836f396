// cp-plugin copies one file, for images that have no shell and no cp. usage: cp-plugin SOURCE TARGET
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: cp-plugin SOURCE TARGET")
		os.Exit(2)
	}
	if err := copyFile(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "cp-plugin:", err)
		os.Exit(1)
	}
}

// copyFile makes the target appear whole or not at all. When a pod's sandbox is made anew its initContainers run again over the
// same volume: a file that is there is replaced, even if it is being run.
func copyFile(source, target string) (err error) {
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	// Not executable while it is written: Velero starts every executable file of the folder.
	to, err := os.CreateTemp(filepath.Dir(target), ".cp-plugin-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(to.Name())
		}
	}()
	_, err = io.Copy(to, from)
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err = os.Chmod(to.Name(), 0o755); err != nil {
		return err
	}
	return os.Rename(to.Name(), target)
}
