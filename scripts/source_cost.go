// What each body of the Go subject takes to write: scripts/source_cost runs this, which says what is counted.
//
//	go run scripts/source_cost.go -table models/reference/go    rows of the table
//	go run scripts/source_cost.go -go models/reference/go       a Go file, with which the subject describes itself
//
// A workload's file is <family>_<name>.go. Of it the body counts, and what the body uses, except the work itself: functions
// from which no primitive can be reached, and types that these use, are what C bodies have in <name>.h. Setting up and the
// table of parameters do not count either. What is used of other files is shared; main.go, cell.go, workloads.go and helper.go
// are the protocol's side, and not followed. Types tell which package a method belongs to, so this takes a type checker.
package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

var notFollowed = map[string]bool{"main.go": true, "cell.go": true, "workloads.go": true, "helper.go": true}

// What is counted of the library: of a package that maps to nil all that is called.
var counted = map[string]map[string]bool{
	"sync": nil, "net": nil, "net/http": nil, "os": nil, "os/exec": nil,
	"io":      {"ReadFull": true, "Copy": true, "Read": true, "Write": true, "Close": true},
	"time":    {"Sleep": true, "AfterFunc": true, "NewTimer": true, "Reset": true, "Stop": true},
	"runtime": {"Gosched": true, "LockOSThread": true},
	"reflect": {"Select": true},
	"syscall": {"Read": true, "Write": true, "Nanosleep": true, "Syscall": true, "Syscall6": true, "RawSyscall": true, "RawSyscall6": true},
}

// decl is a function, or one type, constant or variable.
type decl struct {
	file       string
	first, end int // lines
	isFunc     bool
	uses       []types.Object // of this package
	primitives []string       // in the order of the source, once for each place
}

type pkg struct {
	files *token.FileSet
	info  *types.Info
	decls map[types.Object]*decl
	code  map[string]map[int]bool // by file: lines that have code
	heads map[string]int          // by file: lines of the package clause and imports
	body  map[string]types.Object // by workload
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "source_cost:", err)
		os.Exit(1)
	}
}

func load(dir string) *pkg {
	p := &pkg{files: token.NewFileSet(), decls: map[types.Object]*decl{}, code: map[string]map[int]bool{}, heads: map[string]int{},
		body: map[string]types.Object{}, info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
			Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	must(err)
	var files []*ast.File
	for _, path := range paths {
		f, err := parser.ParseFile(p.files, path, nil, 0)
		must(err)
		files = append(files, f)
		p.note(f, filepath.Base(path))
	}
	_, err = (&types.Config{Importer: importer.ForCompiler(p.files, "source", nil)}).Check("subject", p.files, files, p.info)
	must(err)
	for _, f := range files {
		p.declare(f)
	}
	return p
}

func (p *pkg) line(at token.Pos) int { return p.files.Position(at).Line }

// note marks the lines of a file on which something begins or ends.
func (p *pkg) note(f *ast.File, name string) {
	lines := map[int]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if n != nil {
			lines[p.line(n.Pos())], lines[p.line(n.End()-1)] = true, true
		}
		return true
	})
	p.code[name] = lines
	for _, d := range f.Decls {
		if g, is := d.(*ast.GenDecl); is && g.Tok == token.IMPORT {
			p.heads[name] += p.line(g.End()) - p.line(g.Pos()) + 1
		}
	}
	p.heads[name]++
}

func (p *pkg) declare(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == "init" && d.Recv == nil {
				p.findBodies(d)
			} else {
				p.add(p.info.Defs[d.Name], d, true)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					p.add(p.info.Defs[s.Name], s, false)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						p.add(p.info.Defs[name], s, false)
					}
				}
			}
		}
	}
}

func (p *pkg) add(o types.Object, n ast.Node, isFunc bool) {
	d := &decl{file: filepath.Base(p.files.Position(n.Pos()).Filename), first: p.line(n.Pos()), end: p.line(n.End()), isFunc: isFunc}
	ast.Inspect(n, func(n ast.Node) bool {
		if name := p.primitive(n); name != "" {
			d.primitives = append(d.primitives, name)
		}
		if id, is := n.(*ast.Ident); is {
			if used := p.info.Uses[id]; used != nil && used.Pkg() != nil && used.Pkg().Path() == "subject" && used != o {
				d.uses = append(d.uses, used)
			}
		}
		return true
	})
	p.decls[o] = d
}

// findBodies notes what an init function registers.
func (p *pkg) findBodies(init *ast.FuncDecl) {
	ast.Inspect(init, func(n ast.Node) bool {
		lit, is := n.(*ast.CompositeLit)
		if !is {
			return true
		}
		var name string
		var body types.Object
		for _, e := range lit.Elts {
			kv, is := e.(*ast.KeyValueExpr)
			if !is {
				continue
			}
			switch key, _ := kv.Key.(*ast.Ident); {
			case key == nil:
			case key.Name == "name":
				if s, is := kv.Value.(*ast.BasicLit); is {
					name, _ = strconv.Unquote(s.Value)
				}
			case key.Name == "body":
				ast.Inspect(kv.Value, func(n ast.Node) bool { // body, or body(arguments)
					if id, is := n.(*ast.Ident); is && body == nil {
						body = p.info.Uses[id]
					}
					return true
				})
			}
		}
		if name != "" && body != nil {
			p.body[name] = body
		}
		return true
	})
}

func (p *pkg) isChan(e ast.Expr) bool {
	t := p.info.Types[e].Type
	if t == nil {
		return false
	}
	_, is := t.Underlying().(*types.Chan)
	return is
}

// primitive names what a node asks of the language's runtime or of the library; "": nothing.
func (p *pkg) primitive(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "go"
	case *ast.SendStmt:
		return "send"
	case *ast.SelectStmt:
		return "select"
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return "receive"
		}
	case *ast.RangeStmt:
		if p.isChan(n.X) {
			return "receive"
		}
	case *ast.CallExpr:
		return p.call(n)
	}
	return ""
}

func (p *pkg) call(n *ast.CallExpr) string {
	switch f := n.Fun.(type) {
	case *ast.Ident:
		if f.Name == "close" && len(n.Args) == 1 && p.isChan(n.Args[0]) {
			return "close"
		}
		if f.Name == "make" && p.isChan(n.Args[0]) {
			return "make(chan)"
		}
	case *ast.SelectorExpr:
		fn, is := p.info.Uses[f.Sel].(*types.Func)
		if !is || fn.Pkg() == nil {
			return ""
		}
		names, has := counted[fn.Pkg().Path()]
		if !has || names != nil && !names[fn.Name()] {
			return ""
		}
		if recv := fn.Type().(*types.Signature).Recv(); recv != nil {
			t := strings.TrimLeft(recv.Type().String(), "*")
			return t[strings.LastIndex(t, "/")+1:] + "." + fn.Name()
		}
		return fn.Pkg().Name() + "." + fn.Name()
	}
	return ""
}

// acts tells from which functions a primitive can be reached.
func (p *pkg) acts(o types.Object, seen map[types.Object]bool) bool {
	d := p.decls[o]
	if d == nil || seen[o] || notFollowed[d.file] {
		return false
	}
	seen[o] = true
	if len(d.primitives) > 0 {
		return true
	}
	for _, used := range d.uses {
		if p.acts(used, seen) {
			return true
		}
	}
	return false
}

// reach gives the declarations that a body uses and that count, itself among them.
func (p *pkg) reach(body types.Object) map[types.Object]bool {
	found, work := map[types.Object]bool{}, map[types.Object]bool{}
	var visit func(o types.Object)
	visit = func(o types.Object) {
		d := p.decls[o]
		if d == nil || found[o] || notFollowed[d.file] {
			return
		}
		if d.isFunc && o != body && !p.acts(o, map[types.Object]bool{}) {
			for _, used := range d.uses {
				work[used] = true
			}
			return
		}
		found[o] = true
		for _, used := range d.uses {
			visit(used)
		}
	}
	visit(body)
	for o := range found {
		if !p.decls[o].isFunc && work[o] {
			delete(found, o)
		}
	}
	return found
}

type row struct {
	lines, shared, calls int
	primitives           []string
}

func (p *pkg) count(workload string) row {
	own := strings.Replace(workload, "/", "_", 1) + ".go"
	r := row{lines: p.heads[own]}
	names := map[string]bool{}
	lines := map[string]map[int]bool{}
	for o := range p.reach(p.body[workload]) {
		d := p.decls[o]
		for line := d.first; line <= d.end; line++ {
			if lines[d.file] == nil {
				lines[d.file] = map[int]bool{}
			}
			if p.code[d.file][line] {
				lines[d.file][line] = true
			}
		}
		r.calls += len(d.primitives)
		for _, name := range d.primitives {
			names[name] = true
		}
	}
	for file := range lines {
		if file == own {
			r.lines += len(lines[file])
		} else {
			r.shared += len(lines[file])
		}
	}
	for name := range names {
		r.primitives = append(r.primitives, name)
	}
	sort.Strings(r.primitives)
	return r
}

func main() {
	if len(os.Args) != 3 || os.Args[1] != "-table" && os.Args[1] != "-go" {
		fmt.Fprintln(os.Stderr, "usage: source_cost -table|-go FOLDER")
		os.Exit(2)
	}
	p := load(os.Args[2])
	var names []string
	for name := range p.body {
		names = append(names, name)
	}
	sort.Strings(names)
	if os.Args[1] == "-go" {
		fmt.Print("package main\n\nfunc init() {\n\tsources = map[string]source{\n")
	}
	for _, name := range names {
		r := p.count(name)
		if os.Args[1] == "-table" {
			fmt.Printf("%-18s %-8s %6d %6d %6d  %s\n", name, "go", r.lines, r.shared, r.calls, strings.Join(r.primitives, " "))
		} else {
			fmt.Printf("\t\t%q: {\"go\", %d, %d, %d, []string{", name, r.lines, r.shared, r.calls)
			for _, primitive := range r.primitives {
				fmt.Printf("%q, ", primitive)
			}
			fmt.Print("}},\n")
		}
	}
	if os.Args[1] == "-go" {
		fmt.Print("\t}\n}\n")
	}
}
