// Public Go implementations against our bytes: tessera reads, checks and rebuilds a log that we published, and
// the formats library its cosignatures.
//
//	fsck FOLDER VKEY            tessera's fsck over the folder; exit 1 when anything is wrong
//	same FOLDER SCRATCH         tessera's POSIX log of the same entries has the same tiles, byte for byte
//	cosigned NOTE VKEY WVKEY    the log's and the witness's lines on the note hold
//	appends SCRATCH N SIZE      how many durable appends a second tessera's POSIX log does, as JSON
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	cosignatures "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func leafHashes(bundle []byte) ([][]byte, error) {
	entries := &api.EntryBundle{}
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var out [][]byte
	for _, entry := range entries.Entries {
		out = append(out, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return out, nil
}

func check(ctx context.Context, folder, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	source := &client.FileFetcher{Root: folder}
	return fsck.New(verifier.Name(), verifier, source, leafHashes, fsck.Opts{N: 2}).Check(ctx)
}

func size(folder string) (uint64, error) {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return 0, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 3 {
		return 0, fmt.Errorf("a checkpoint of %d lines", len(lines))
	}
	return strconv.ParseUint(lines[1], 10, 64)
}

func entriesOf(ctx context.Context, folder string) ([][]byte, error) {
	count, err := size(folder)
	if err != nil {
		return nil, err
	}
	source := &client.FileFetcher{Root: folder}
	var out [][]byte
	for i := uint64(0); i*layout.EntryBundleWidth < count; i++ {
		bundle, err := source.ReadEntryBundle(ctx, i, layout.PartialTileSize(0, i, count))
		if err != nil {
			return nil, err
		}
		entries := &api.EntryBundle{}
		if err := entries.UnmarshalText(bundle); err != nil {
			return nil, err
		}
		out = append(out, entries.Entries...)
	}
	return out, nil
}

// A log in folder with these entries, in one batch where they fit.
func write(ctx context.Context, folder string, entries [][]byte, batch uint, wait time.Duration) error {
	secret, _, err := note.GenerateKey(rand.Reader, "interop.example/tessera")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	if err != nil {
		return err
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(batch, wait).
		WithCheckpointInterval(100 * time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	var futures []tessera.IndexFuture
	for _, entry := range entries {
		futures = append(futures, appender.Add(ctx, tessera.NewEntry(entry)))
	}
	for i, future := range futures {
		index, err := future()
		if err != nil {
			return err
		}
		if index.Index != uint64(i) {
			return fmt.Errorf("entry %d got index %d", i, index.Index)
		}
	}
	// Integrated and published.
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 10*time.Millisecond)
	if _, _, err := awaiter.Await(ctx, futures[len(futures)-1]); err != nil {
		return err
	}
	return shutdown(ctx)
}

func same(ctx context.Context, ours, scratch string) error {
	entries, err := entriesOf(ctx, ours)
	if err != nil {
		return err
	}
	if err := write(ctx, scratch, entries, uint(len(entries)), time.Second); err != nil {
		return err
	}
	files := 0
	err = filepath.WalkDir(filepath.Join(ours, "tile"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(ours, path)
		if err != nil {
			return err
		}
		mine, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		theirs, err := os.ReadFile(filepath.Join(scratch, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(mine, theirs) {
			return fmt.Errorf("%s differs", name)
		}
		files++
		return nil
	})
	if err == nil {
		fmt.Printf("%d entries: %d files are the same, byte for byte\n", len(entries), files)
	}
	return err
}

func cosigned(file, vkey, witness string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	cosigner, err := cosignatures.NewVerifierForCosignatureV1(witness)
	if err != nil {
		return err
	}
	opened, err := note.Open(text, note.VerifierList(log, cosigner))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != 2 {
		return fmt.Errorf("%d of 2 signatures hold", len(opened.Sigs))
	}
	return nil
}

func appends(ctx context.Context, folder string, count, bytesEach int) error {
	entries := make([][]byte, count)
	for i := range entries {
		entries[i] = make([]byte, bytesEach)
		if _, err := rand.Read(entries[i]); err != nil {
			return err
		}
	}
	begin := time.Now()
	if err := write(ctx, folder, entries, 1000, 20*time.Millisecond); err != nil {
		return err
	}
	fmt.Printf("%.0f\n", float64(count)/time.Since(begin).Seconds())
	return nil
}

func run(args []string) error {
	ctx := context.Background()
	switch {
	case len(args) == 3 && args[0] == "fsck":
		return check(ctx, args[1], args[2])
	case len(args) == 3 && args[0] == "same":
		return same(ctx, args[1], args[2])
	case len(args) == 4 && args[0] == "cosigned":
		return cosigned(args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "appends":
		count, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		each, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		return appends(ctx, args[1], count, each)
	}
	return fmt.Errorf("usage: see the head of main.go")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
