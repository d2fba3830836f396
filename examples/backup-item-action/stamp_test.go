package main

import (
	"testing"

	"github.com/sirupsen/logrus"
	v1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestStampsAnItemAndKeepsItsAnnotations(t *testing.T) {
	item := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{
		"name": "settings", "annotations": map[string]any{"kept": "yes"},
	}}}
	backup := &v1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "nightly"}}

	got, also, err := (&stamp{log: logrus.New()}).Execute(item, backup)

	if err != nil || len(also) != 0 {
		t.Fatalf("want neither an error nor further items, got %v and %v", err, also)
	}
	annotations := (&unstructured.Unstructured{Object: got.UnstructuredContent()}).GetAnnotations()
	if annotations[stamped] != "nightly" || annotations["kept"] != "yes" {
		t.Errorf("want the stamp of nightly beside what was there, got %v", annotations)
	}
}
