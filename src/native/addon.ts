import { createRequire } from 'node:module';
import { XferError } from '../errors/index.js';
import type { Cipher, EntryKind, FilesApi, SealApi } from './api.js';

type Done<Value = void> = (error: NodeJS.ErrnoException | null, value: Value) => void;

/**
 * What native/build/Release/xfer_seal.node exports. Wrong arguments throw TypeError or RangeError; whatever happens
 * later reaches `done`, from the loop.
 */
export interface Addon {
  readonly hasAes: boolean;
  sealFile(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    fd: number,
    position: number,
    bodyBytes: number,
    header: Uint8Array,
    out: Uint8Array,
    done: Done<number>,
  ): void;
  openFile(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    record: Uint8Array,
    fd: number,
    position: number,
    done: Done<number>,
  ): void;
  openRoot(path: string, done: Done<number>): void;
  openDirectory(root: number, path: string, done: Done<number>): void;
  makeDirectory(directory: number, name: string, mode: number, done: Done<boolean>): void;
  createFile(directory: number, name: string, done: Done<number>): void;
  finishFile(
    fd: number,
    directory: number,
    from: string,
    to: string,
    mode: number,
    mtimeNs: bigint,
    replace: boolean,
    sync: boolean,
    done: Done,
  ): void;
  makeLink(
    directory: number,
    name: string,
    temporary: string,
    target: string,
    mtimeNs: bigint,
    replace: boolean,
    done: Done,
  ): void;
  finishDirectory(directory: number, mode: number, mtimeNs: bigint, done: Done): void;
  remove(directory: number, name: string, done: Done<boolean>): void;
  kindOf(directory: number, name: string, done: Done<EntryKind | undefined>): void;
  close(fd: number, done: Done): void;
}

/** Loads the addon; throws where it was not built or does not fit this Node. The path is the same from src and dist. */
export function loadAddon(): Addon {
  return createRequire(import.meta.url)('../../native/build/Release/xfer_seal.node') as Addon;
}

export function nativeSeal(addon: Addon): SealApi {
  return {
    sealFile: ({ cipher, key, counter, fd, position, bodyBytes, header, out }, done) => {
      addon.sealFile(cipher, key, counter, fd, position, bodyBytes, header, out, (error, n) => {
        done(error, error === null ? n : 0);
      });
    },
    openFile: ({ cipher, key, counter, record, fd, position }, done) => {
      addon.openFile(cipher, key, counter, record, fd, position, (error, n) => {
        if (error === null) done(null, n);
        else done(error.code === 'ERR_XFER_TAMPERED' ? new XferError(error.code, error.message) : error, 0);
      });
    },
  };
}

export function nativeFiles(addon: Addon): FilesApi {
  return {
    openRoot: (path) => settled((done) => addon.openRoot(path, done)),
    openDirectory: (root, path) => settled((done) => addon.openDirectory(root, path, done)),
    makeDirectory: (directory, name, mode) =>
      settled((done) => addon.makeDirectory(directory, name, mode, done)),
    createFile: (directory, name) => settled((done) => addon.createFile(directory, name, done)),
    finishFile: ({ fd, directory, from, to, mode, mtimeNs, replace, sync }) =>
      settled((done) => addon.finishFile(fd, directory, from, to, mode, mtimeNs, replace, sync, done)),
    makeLink: (directory, { name, temporary, target, mtimeNs, replace }) =>
      settled((done) => addon.makeLink(directory, name, temporary, target, mtimeNs, replace, done)),
    finishDirectory: (directory, mode, mtimeNs) =>
      settled((done) => addon.finishDirectory(directory, mode, mtimeNs, done)),
    remove: (directory, name) => settled((done) => addon.remove(directory, name, done)),
    kindOf: (directory, name) => settled((done) => addon.kindOf(directory, name, done)),
    close: (fd) => settled((done) => addon.close(fd, done)),
  };
}

/** A call with a callback as a promise; what it throws for a wrong argument rejects too. */
function settled<Value>(call: (done: Done<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}
