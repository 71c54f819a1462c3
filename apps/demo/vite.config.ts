// Builds the page into dist/, from where the server takes it into memory at its start.
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'page',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    // The policy of the server allows no inline script, and data: only for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
