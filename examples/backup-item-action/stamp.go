package main

import (
	"github.com/sirupsen/logrus"
	v1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"github.com/vmware-tanzu/velero/pkg/plugin/velero"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
)

const (
	// wanted is the label of a ConfigMap that asks to be stamped.
	wanted = "example.com/stamp"
	// stamped is the annotation that it gets in the backup; the one in the cluster stays as it is.
	stamped = "example.com/stamped-by"
)

// stamp is a BackupItemAction: Velero calls it for each item that AppliesTo selects, before the item is written to the backup.
type stamp struct {
	log logrus.FieldLogger
}

// AppliesTo selects the items. Velero asks once, when it begins a Backup.
func (s *stamp) AppliesTo() (velero.ResourceSelector, error) {
	return velero.ResourceSelector{IncludedResources: []string{"configmaps"}, LabelSelector: wanted}, nil
}

// Execute gives the item as it shall stand in the backup. An error makes the Backup PartiallyFailed.
func (s *stamp) Execute(item runtime.Unstructured, backup *v1.Backup) (runtime.Unstructured, []velero.ResourceIdentifier, error) {
	object, err := meta.Accessor(item)
	if err != nil {
		return nil, nil, err
	}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[stamped] = backup.Name
	object.SetAnnotations(annotations)
	s.log.Infof("stamped %s/%s", object.GetNamespace(), object.GetName())
	return item, nil, nil
}
