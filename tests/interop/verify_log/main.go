// An independent verifier of an exported log: Go's x/mod sumdb note and tlog, none of our code.
//
// VKEYS is one argument: the log's verifier key and those of all its witnesses, separated by spaces. Each must have signed.
//
//	verify_log tree DIR VKEYS    every entry, tile and the checkpoint; exit 1 when anything does not hold
//	verify_log attack DIR VKEYS  also changes bytes in memory, one at a time, and requires that each change is refused
//	verify_log proof FILE VKEYS  a tlog-proof with its leaf in the extra line; then attacks every byte of it
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func clone(b []byte) []byte { return append([]byte(nil), b...) }

type files map[string][]byte

func load(dir string) (files, error) {
	out := files{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		out[name], err = os.ReadFile(path)
		return err
	})
	return out, err
}

// witness verifies cosignature/v1: u64 time and 64 bytes of Ed25519 over the time and the note's text.
type witness struct {
	name string
	key  ed25519.PublicKey
}

func newWitness(vkey string) (witness, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return witness{}, errors.New("not a verifier key")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(data) != 33 || data[0] != 4 {
		return witness{}, errors.New("not a witness's verifier key")
	}
	w := witness{parts[0], ed25519.PublicKey(data[1:])}
	if fmt.Sprintf("%08x", w.KeyHash()) != parts[1] {
		return witness{}, errors.New("wrong key id")
	}
	return w, nil
}
func (w witness) Name() string { return w.name }
func (w witness) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(w.name+"\n\x04"), w.key...))
	return binary.BigEndian.Uint32(sum[:])
}
func (w witness) Verify(msg, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(w.key, []byte(text), sig[8:])
}

// open verifies the checkpoint under the log's key and every witness's, and returns the tree it signs.
func open(message []byte, vkeys string) (tlog.Tree, error) {
	keys := strings.Fields(vkeys)
	if len(keys) == 0 {
		return tlog.Tree{}, errors.New("no keys")
	}
	verifier, err := note.NewVerifier(keys[0])
	if err != nil {
		return tlog.Tree{}, err
	}
	known := []note.Verifier{verifier}
	for _, vkey := range keys[1:] {
		w, err := newWitness(vkey)
		if err != nil {
			return tlog.Tree{}, err
		}
		known = append(known, w)
	}
	n, err := note.Open(message, note.VerifierList(known...))
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(n.Sigs) != len(keys) || len(n.UnverifiedSigs) != 0 {
		return tlog.Tree{}, fmt.Errorf("%d of %d known keys signed, %d unknown", len(n.Sigs), len(keys), len(n.UnverifiedSigs))
	}
	// Go's decoder ignores the unused bits of the last base64 digit; one note should have one text.
	for _, sig := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return tlog.Tree{}, err
		}
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("not a three-line checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("bad size")
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

// path maps Go's tile names (tile/8/L/N, tile/8/data/N) to those of tlog-tiles.
func path(t tlog.Tile) string {
	p := t.Path()
	p = strings.Replace(p, "tile/8/data/", "tile/entries/", 1)
	return strings.Replace(p, "tile/8/", "tile/", 1)
}

type reader struct{ files files }

func (r reader) Height() int { return height }
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, ok := r.files[path(t)]
		if !ok {
			return nil, fmt.Errorf("%s is missing", path(t))
		}
		if len(data) != t.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path(t), len(data))
		}
		out = append(out, data)
	}
	return out, nil
}
func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

// verify recomputes every tile from the entries up to the signed root, with tlog's hashes, and compares every byte.
//
// tlog.TileHashReader alone is not enough: before x/mod 0.40 it leaves some tiles unchecked against their parents
// (CVE-2026-56865), and Debian's is 0.7. `attack` found exactly that here.
func verify(f files, vkey string) (tlog.Tree, error) {
	tree, err := open(f["checkpoint"], vkey)
	if err != nil {
		return tree, fmt.Errorf("checkpoint: %w", err)
	}
	wanted := 1
	hashes := make([]tlog.Hash, 0, tree.N)
	err = eachTile(tree.N, -1, func(name string, n int64, w int) error {
		wanted++
		got, err := bundle(f[name], w)
		hashes = append(hashes, got...)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return tree, err
	}
	if root := treeHash(hashes); root != tree.Hash {
		return tree, errors.New("the entries do not give the signed root")
	}
	for l := 0; len(hashes) > 0; l++ {
		var above []tlog.Hash
		err := eachTile(tree.N, l, func(name string, n int64, w int) error {
			wanted++
			want := make([]byte, 0, w*tlog.HashSize)
			for _, hash := range hashes[n*256 : n*256+int64(w)] {
				want = append(want, hash[:]...)
			}
			if !bytes.Equal(want, f[name]) {
				return fmt.Errorf("%s is not the tile of its entries", name)
			}
			if w == 256 {
				above = append(above, treeHash(hashes[n*256:n*256+256]))
			}
			return nil
		})
		if err != nil {
			return tree, err
		}
		hashes = above
	}
	if len(f) != wanted {
		return tree, fmt.Errorf("%d files, a tree of %d has %d", len(f), tree.N, wanted)
	}
	return tree, nil
}

func eachTile(size int64, l int, visit func(name string, n int64, w int) error) error {
	count := size
	if l > 0 {
		count = size >> (height * uint(l))
	}
	for n := int64(0); n*256 < count; n++ {
		w := 256
		if count-n*256 < 256 {
			w = int(count - n*256)
		}
		if err := visit(path(tlog.Tile{H: height, L: l, N: n, W: w}), n, w); err != nil {
			return err
		}
	}
	return nil
}

// treeHash is RFC 6962's definition, word for word.
func treeHash(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	k := 1
	for k*2 < len(hashes) {
		k *= 2
	}
	return tlog.NodeHash(treeHash(hashes[:k]), treeHash(hashes[k:]))
}

// bundle hashes the w entries of a bundle.
func bundle(data []byte, w int) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for i := 0; i < w; i++ {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return hashes, fmt.Errorf("ends before entry %d", i)
		}
		size := int(binary.BigEndian.Uint16(data))
		hashes = append(hashes, tlog.RecordHash(data[2:2+size]))
		data = data[2+size:]
	}
	if len(data) != 0 {
		return hashes, errors.New("bytes after the last entry")
	}
	return hashes, nil
}

// read goes the way of an ordinary client: hashes by index through tiles, inclusion and consistency proofs.
func read(f files, tree tlog.Tree) error {
	hashes := tlog.TileHashReader(tree, reader{f})
	for i := int64(0); i < tree.N; i += tree.N/100 + 1 {
		proof, err := tlog.ProveRecord(tree.N, i, hashes)
		if err != nil {
			return err
		}
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaf[0]); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		old, err := tlog.TreeHash(i+1, hashes)
		if err != nil {
			return err
		}
		growth, err := tlog.ProveTree(tree.N, i+1, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(growth, tree.N, tree.Hash, i+1, old); err != nil {
			return fmt.Errorf("size %d: %w", i+1, err)
		}
	}
	return nil
}

// attack changes one thing at a time. Everything must be refused.
func attack(f files, vkey string, size int64) error {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	sort.Strings(names)
	random := rand.New(rand.NewSource(1))
	classes := map[string]int{}
	refused := func(class, what string) error {
		classes[class]++
		if _, err := verify(f, vkey); err == nil {
			return fmt.Errorf("ACCEPTED: %s", what)
		}
		return nil
	}
	// About 3,000 changes in a small log and 70 in a large one, whatever the number of files.
	budget := int(2_000_000/(size+500)) + 40
	for _, name := range names {
		kind := "bundle"
		if name == "checkpoint" {
			kind = "checkpoint"
		} else if !strings.HasPrefix(name, "tile/entries/") {
			kind = "tile level " + strings.Split(name, "/")[1]
		}
		if strings.Contains(name, ".p/") {
			kind += " partial"
		}
		good := f[name]
		positions := len(good)
		step := 1
		if kind != "checkpoint" {
			step = positions*len(names)/budget + 1
			// Of the many full tiles and bundles some are enough; every other file is tried in several places.
			if kind != "bundle" && kind != "tile level 0" && step > positions/8 {
				step = positions/8 + 1
			}
		}
		for at := random.Intn(step); at < positions; at += step {
			bad := clone(good)
			bad[at] ^= 1 << uint(random.Intn(8))
			f[name] = bad
			if err := refused(kind+" byte", fmt.Sprintf("%s byte %d", name, at)); err != nil {
				return err
			}
		}
		if len(names) < 50 || random.Intn(len(names)/8) == 0 {
			f[name] = good[:len(good)-1]
			if err := refused("cut", name+" cut by a byte"); err != nil {
				return err
			}
			f[name] = append(clone(good), 0)
			if err := refused("longer", name+" with a byte more"); err != nil {
				return err
			}
			delete(f, name)
			if err := refused("missing", name+" missing"); err != nil {
				return err
			}
			other := names[(sort.SearchStrings(names, name)+1)%len(names)]
			f[name], f[other] = f[other], good
			if err := refused("exchanged", name+" and "+other+" exchanged"); err != nil {
				return err
			}
			f[other] = f[name]
		}
		f[name] = good
	}
	if _, err := verify(f, vkey); err != nil {
		return fmt.Errorf("the untouched log afterwards: %w", err)
	}
	kinds := make([]string, 0, len(classes))
	for kind := range classes {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	for _, kind := range kinds {
		fmt.Printf("  %6d changes refused: %s\n", classes[kind], kind)
	}
	return nil
}

func verifyProof(text []byte, vkey string) error {
	head, checkpoint, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		return errors.New("no empty line")
	}
	lines := strings.Split(head, "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof with an extra line")
	}
	if !strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
		return errors.New("extra or index is missing")
	}
	extra, number := lines[1][len("extra "):], lines[2][len("index "):]
	leaf, err := base64.StdEncoding.Strict().DecodeString(extra)
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(number, 10, 64)
	if err != nil || strconv.FormatInt(index, 10) != number {
		return errors.New("bad index")
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		data, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(data) != tlog.HashSize {
			return errors.New("bad hash")
		}
		var hash tlog.Hash
		copy(hash[:], data)
		proof = append(proof, hash)
	}
	tree, err := open([]byte(checkpoint), vkey)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf))
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: verify_log tree|attack|proof PATH VKEYS")
	}
	if args[0] == "proof" {
		text, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		if err := verifyProof(text, args[2]); err != nil {
			return err
		}
		for at := range text {
			bad := clone(text)
			bad[at] ^= 1
			if verifyProof(bad, args[2]) == nil {
				return fmt.Errorf("ACCEPTED: %s byte %d", args[1], at)
			}
		}
		fmt.Printf("%s: holds; %d changes refused\n", filepath.Base(args[1]), len(text))
		return nil
	}
	f, err := load(args[1])
	if err != nil {
		return err
	}
	tree, err := verify(f, args[2])
	if err != nil {
		return err
	}
	if err := read(f, tree); err != nil {
		return err
	}
	fmt.Printf("log of %d entries, %d files: holds, root %s\n", tree.N, len(f), tree.Hash)
	if args[0] == "attack" {
		return attack(f, args[2], tree.N)
	}
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "verify_log:", err)
		os.Exit(1)
	}
}
