// Backups is an API server that has so many Backups and nothing else: it lists them, in pages or as initial events of a watch, and sends
// as many events as fast as they are taken once it is told to (POST /go). What is measured is who follows it.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const path = "/apis/velero.io/v1/namespaces/velero/backups"

// An object as Velero leaves one that has completed: about 2.2 KB.
func backup(index, version int) string {
	var hooks strings.Builder
	for hook := range 6 {
		fmt.Fprintf(&hooks, `,{"name":"hook-%d","includedNamespaces":["shop-%d"],"labelSelector":{"matchLabels":{"app":"db-%d"}},"pre":[{"exec":{"container":"db","command":["/bin/sh","-c","sync && fsfreeze -f /data-%d"],"onError":"Fail","timeout":"30s"}}]}`, hook, index%100, hook, hook)
	}
	return fmt.Sprintf(`{"apiVersion":"velero.io/v1","kind":"Backup","metadata":{"name":"nightly-%06d","namespace":"velero","uid":"00000000-0000-4000-8000-%012d","resourceVersion":"%d","generation":7,"creationTimestamp":"2026-03-01T03:00:00Z","labels":{"velero.io/schedule-name":"nightly","velero.io/storage-location":"default"},"annotations":{"velero.io/source-cluster-k8s-gitversion":"v1.34.2","tidewaiter.io/post":"{\"phase\":\"Succeeded\"}"},"managedFields":[{"manager":"velero-server","operation":"Update","apiVersion":"velero.io/v1","time":"2026-03-01T03:04:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{}},"f:labels":{".":{},"f:velero.io/storage-location":{}}},"f:spec":{".":{},"f:hooks":{},"f:ttl":{}},"f:status":{".":{},"f:phase":{},"f:progress":{}}}}]},"spec":{"csiSnapshotTimeout":"10m0s","hooks":{"resources":[%s]},"includedNamespaces":["*"],"itemOperationTimeout":"4h0m0s","metadata":{},"storageLocation":"default","ttl":"720h0m0s"},"status":{"phase":"Completed","version":1,"formatVersion":"1.1.0","startTimestamp":"2026-03-01T03:00:01Z","completionTimestamp":"2026-03-01T03:04:00Z","expiration":"2026-03-31T03:00:01Z","progress":{"itemsBackedUp":%d,"totalItems":%d}}}`,
		index, index, version, strings.TrimPrefix(hooks.String(), ","), version, version)
}

type server struct {
	count int
	mu    sync.Mutex
	going chan struct{}
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	until := s.count
	if limit > 0 {
		until = min(s.count, from+limit)
	}
	next := ""
	if until < s.count {
		next = strconv.Itoa(until)
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(out, `{"kind":"BackupList","apiVersion":"velero.io/v1","metadata":{"resourceVersion":"%d","continue":"%s"},"items":[`, s.count, next)
	for index := from; index < until; index++ {
		if index > from {
			out.WriteByte(',')
		}
		out.WriteString(backup(index, index+1))
	}
	out.WriteString("]}\n")
	out.Flush()
}

func (s *server) watch(w http.ResponseWriter, r *http.Request) {
	// Before the follower hears anything: the word that it then gives is this one.
	s.mu.Lock()
	going := s.going
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(w, 1<<16)
	flush := func() {
		out.Flush()
		w.(http.Flusher).Flush()
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for index := range s.count {
			fmt.Fprintf(out, `{"type":"ADDED","object":%s}`+"\n", backup(index, index+1))
		}
		fmt.Fprintf(out, `{"type":"BOOKMARK","object":{"kind":"Backup","apiVersion":"velero.io/v1","metadata":{"resourceVersion":"%d","annotations":{"k8s.io/initial-events-end":"true"}}}}`+"\n", s.count)
	}
	flush()
	select {
	case <-going:
	case <-r.Context().Done():
		return
	}
	for event := range s.count {
		fmt.Fprintf(out, `{"type":"MODIFIED","object":%s}`+"\n", backup(event, s.count+event+1))
	}
	flush()
	<-r.Context().Done()
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/go":
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.going)
		// Whoever comes next waits for a word of its own.
		s.going = make(chan struct{})
	case r.URL.Path == path && r.URL.Query().Get("watch") != "":
		s.watch(w, r)
	case r.URL.Path == path:
		s.list(w, r)
	default:
		http.NotFound(w, r)
	}
}

func main() {
	cert := flag.String("cert", "", "the certificate, PEM")
	key := flag.String("key", "", "its key, PEM")
	count := flag.Int("count", 50000, "how many Backups there are, and how many events are sent")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listens on %s\n", listener.Addr())
	log.Fatal(http.ServeTLS(listener, &server{count: *count, going: make(chan struct{})}, *cert, *key))
}
