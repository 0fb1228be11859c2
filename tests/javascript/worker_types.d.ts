/** What workers have beyond a page: the types that the modules under test use of it. */

interface FileSystemSyncAccessHandle {
  write(bytes: ArrayBufferView<ArrayBuffer>, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>;
}

interface DedicatedWorkerGlobalScope {
  onmessage: ((event: MessageEvent) => void) | null;
  // biome-ignore lint/suspicious/noExplicitAny: whatever can be cloned
  postMessage(message: any, transfer?: Transferable[]): void;
}
