// What a package promises to those who import it: the declarations that its entry points export, as text that only changes when the promise does.
import { join, relative, sep } from 'node:path'
import ts from 'typescript'
import { root } from './public-packages.mjs'

const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed })

/**
 * Reads the declarations of all packages at once; their `dist` has to be built.
 * @param {readonly import('./public-packages.mjs').PublicPackage[]} packages
 */
export function readDeclarations(packages) {
  const files = packages.flatMap((pkg) => pkg.entryPoints.map(({ types }) => join(pkg.directory, types)))
  return ts.createProgram(files, {
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    skipLibCheck: true,
    noEmit: true,
  })
}

/**
 * Markdown. A type that is exported nowhere and that an exported one refers to is part of the promise too: it is listed at the end.
 * @param {ts.Program} program
 * @param {import('./public-packages.mjs').PublicPackage} pkg
 * @returns {string}
 */
export function declarationsOf(program, pkg) {
  const checker = program.getTypeChecker()
  const dist = join(pkg.directory, 'dist') + sep

  /** @param {ts.Symbol} symbol */
  const resolved = (symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

  /** @param {ts.Symbol} symbol */
  const declarationsIn = (symbol) =>
    (symbol.declarations ?? []).filter((one) => one.getSourceFile().fileName.startsWith(dist))

  /** @param {ts.Declaration} declaration */
  const statementOf = (declaration) => {
    const statement = ts.findAncestor(declaration, (node) => ts.isSourceFile(node.parent))
    return statement ?? declaration
  }

  /** @param {ts.Node} node */
  const textOf = (node) =>
    printer
      .printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
      .replace(/^(export )?(declare )?/, '')
      .replace(/import\("[^"]*\/packages\/([^/]+)\/[^"]*"\)/g, 'import("$1")')

  /** @type {Set<ts.Symbol>} */
  const exported = new Set()
  /** @type {Set<ts.Symbol>} */
  const seen = new Set()

  /**
   * @param {ts.Symbol} symbol
   * @param {string} name as it is exported
   * @returns {string}
   */
  const promiseOf = (symbol, name) => {
    const target = resolved(symbol)
    exported.add(target)
    if (target.flags & ts.SymbolFlags.ValueModule) {
      const members = checker
        .getExportsOfModule(target)
        .map((member) => promiseOf(member, member.name))
        .sort()
      return `namespace ${name} {\n${members.join('\n').replace(/^/gm, '    ')}\n}`
    }
    const own = declarationsIn(target)
    if (own.length === 0) {
      const from = target.declarations?.[0]?.getSourceFile().fileName ?? ''
      return `export { ${name} } from ${ownerOf(from)}`
    }
    const renamed = target.name === name ? '' : `${name}: `
    return [...new Set(own.map(statementOf))].map((node) => renamed + textOf(node)).join('\n')
  }

  const sections = pkg.entryPoints.map(({ specifier, types }) => {
    const file = program.getSourceFile(join(pkg.directory, types))
    const module = file && checker.getSymbolAtLocation(file)
    if (!module) throw new Error(`${specifier}: ${types} is not there or exports nothing. Build it first.`)
    const promises = checker
      .getExportsOfModule(module)
      .map((symbol) => ({ name: symbol.name, text: promiseOf(symbol, symbol.name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    return `## ${specifier}\n\n\`\`\`ts\n${promises.map(({ text }) => text).join('\n\n')}\n\`\`\`\n`
  })

  /** @type {Map<string, string>} */
  const hidden = new Map()
  /** @param {ts.Symbol} symbol */
  const follow = (symbol) => {
    if (seen.has(symbol)) return
    seen.add(symbol)
    for (const declaration of declarationsIn(symbol)) {
      if (ts.isTypeParameterDeclaration(declaration) || ts.isSourceFile(declaration)) continue
      const statement = statementOf(declaration)
      if (!exported.has(symbol) && declaration.parent === statement.parent)
        hidden.set(symbol.name, textOf(statement))
      /** @param {ts.Node} node */
      const visit = (node) => {
        const name = ts.isTypeReferenceNode(node)
          ? node.typeName
          : ts.isExpressionWithTypeArguments(node)
            ? node.expression
            : ts.isTypeQueryNode(node)
              ? node.exprName
              : undefined
        const referred = name && checker.getSymbolAtLocation(name)
        if (referred) follow(resolved(referred))
        ts.forEachChild(node, visit)
      }
      visit(statement)
    }
  }
  for (const symbol of [...exported]) follow(symbol)
  const rest = [...hidden].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
  if (rest.length > 0)
    sections.push(`## Referred to, not exported\n\n\`\`\`ts\n${rest.join('\n\n')}\n\`\`\`\n`)
  return `# ${pkg.name}\n\n${sections.join('\n')}`
}

/** @param {string} file */
function ownerOf(file) {
  const workspace = /\/packages\/([^/]+)\/dist\//.exec(file)
  if (workspace) return `@chatroom/${workspace[1]}`
  const npm = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)
  return npm?.[1] ?? relative(root, file)
}
