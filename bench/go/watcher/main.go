// Watcher follows the Backups of bench/go/backups as a controller in Go would, with the standard library: a watch that begins with all
// of them, of which only the fields that are needed are kept.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type projected struct {
	Metadata struct {
		Name              string            `json:"name"`
		Namespace         string            `json:"namespace"`
		UID               string            `json:"uid"`
		ResourceVersion   string            `json:"resourceVersion"`
		CreationTimestamp string            `json:"creationTimestamp"`
		Labels            map[string]string `json:"labels"`
		Annotations       map[string]string `json:"annotations"`
	} `json:"metadata"`
	Status struct {
		Phase               string `json:"phase"`
		StartTimestamp      string `json:"startTimestamp"`
		CompletionTimestamp string `json:"completionTimestamp"`
	} `json:"status"`
}

type event struct {
	Type   string    `json:"type"`
	Object projected `json:"object"`
}

func megabytes(field string) float64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.SplitSeq(string(status), "\n") {
		if strings.HasPrefix(line, field) {
			kilobytes, _ := strconv.Atoi(strings.Fields(line)[1])
			return float64(kilobytes) / 1024
		}
	}
	return 0
}

func heap() float64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc) / (1 << 20)
}

func main() {
	server := flag.String("server", "", "https://HOST:PORT")
	count := flag.Int("count", 50000, "how many events are sent after all were seen")
	flag.Parse()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	began := time.Now()
	answer, err := client.Get(*server + "/apis/velero.io/v1/namespaces/velero/backups?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
	if err != nil {
		log.Fatal(err)
	}
	known := map[string]projected{}
	lines := bufio.NewReaderSize(answer.Body, 1<<16)
	next := func() event {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			log.Fatal(err)
		}
		var one event
		if err := json.Unmarshal(line, &one); err != nil {
			log.Fatal(err)
		}
		return one
	}
	for {
		one := next()
		if one.Type == "BOOKMARK" {
			break
		}
		known[one.Object.Metadata.Namespace+"/"+one.Object.Metadata.Name] = one.Object
	}
	synced := time.Since(began)
	heapMB, rssMB := heap(), megabytes("VmRSS")
	from := time.Now()
	if _, err := client.Post(*server+"/go", "application/json", nil); err != nil {
		log.Fatal(err)
	}
	for range *count {
		one := next()
		known[one.Object.Metadata.Namespace+"/"+one.Object.Metadata.Name] = one.Object
	}
	json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"syncMs": float64(synced.Milliseconds()), "blockMs": 0, "heapMb": heapMB, "rssMb": rssMB,
		"eventsPerSecond": float64(*count) / time.Since(from).Seconds(), "rssEndMb": megabytes("VmRSS"),
	})
	fmt.Fprintln(os.Stderr, len(known), "known")
}
