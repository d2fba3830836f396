package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplacesAFileThatIsThereAndMakesItExecutable(t *testing.T) {
	folder := t.TempDir()
	source, target := filepath.Join(folder, "source"), filepath.Join(folder, "target")
	write(t, source, "new")
	write(t, target, "old and longer")

	if err := copyFile(source, target); err != nil {
		t.Fatal(err)
	}

	text, err := os.ReadFile(target)
	if err != nil || string(text) != "new" {
		t.Errorf("want new, got %q, %v", text, err)
	}
	if info, _ := os.Stat(target); info.Mode().Perm() != 0o755 {
		t.Errorf("want mode 0755, got %o", info.Mode().Perm())
	}
}

func TestLeavesNothingBehindThatVeleroWouldStart(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "target")
	if err := copyFile(folder, target); err == nil { // a folder cannot be read as a file
		t.Error("want an error, got none")
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 0 {
		t.Errorf("want an empty folder, got %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".*")); len(left) != 0 {
		t.Errorf("want an empty folder, got %v", left)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
