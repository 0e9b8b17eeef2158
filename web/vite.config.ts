import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The server that the pages talk to while they are worked on.
const target = process.env.IOBEAM_URL ?? 'http://127.0.0.1:8420';
const proxied = { target, changeOrigin: false };

export default defineConfig({
  plugins: [svelte()],
  // The program of first steps is an example of the client.
  server: { fs: { allow: ['.', '../crates/client/examples'] }, proxy: { '/v1': proxied, '/health': proxied, '/ready': proxied, '/metrics': proxied } },
  build: {
    target: 'es2022',
    // The policy that the server sends allows no script and no style within the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
