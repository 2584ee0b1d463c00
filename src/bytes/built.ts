/**
 * Where the build left what is not imported: kernels, and what threads run. The same place from the sources (tests run
 * them), from dist and from the bundled executable in dist/bundle.
 */

/** `path` lies in dist. */
export function builtUrl(path: string): URL {
  return new URL(import.meta.url.replace(/\/(?:src|dist)\/(?!.*\/(?:src|dist)\/).*$/, `/dist/${path}`))
}
