import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Issued } from '@chatroom/certificates'
import type { CertificateFiles } from '../src/index.ts'

const directories: string[] = []

/** Removes everything that `writeFiles` made. */
export function removeFiles(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
}

/** A certificate and whom it believes, as files of their own. */
export function writeFiles(ca: string, issued: Issued): CertificateFiles {
  const directory = mkdtempSync(join(tmpdir(), 'certified-'))
  directories.push(directory)
  const files = {
    ca: join(directory, 'ca.crt'),
    certificate: join(directory, 'own.crt'),
    key: join(directory, 'own.key'),
  }
  replaceFiles(files, ca, issued)
  return files
}

/** Puts other content in their place, one file after the other, as who rotates certificates does. */
export function replaceFiles(files: CertificateFiles, ca: string, issued: Issued): void {
  const replace = (path: string, text: string): void => {
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  replace(files.ca, ca)
  replace(files.certificate, issued.certificate)
  replace(files.key, issued.key)
}
