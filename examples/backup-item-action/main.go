// A small Velero plugin: it puts an annotation on each ConfigMap that asks for one while it is backed up.
package main

import (
	"github.com/sirupsen/logrus"
	"github.com/vmware-tanzu/velero/pkg/plugin/framework"
)

// Velero knows an action by this name. It must be unique among all plugins: Velero ends where two are alike.
// A variable, so that a build can set another: -ldflags '-X main.actionName=example.com/other'.
var actionName = "example.com/stamp"

func main() {
	framework.NewServer().RegisterBackupItemAction(actionName, newAction).Serve()
}

// newAction is called once in each process of the plugin. What is logged comes out in the log of the Backup.
func newAction(log logrus.FieldLogger) (any, error) {
	return &stamp{log: log}, nil
}
