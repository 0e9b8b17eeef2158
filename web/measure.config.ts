/** `npm run measure`: how long pages take with much behind them. Figures, not tests: nothing here fails for being slow. */
import { defineConfig } from '@playwright/test';
import pages from './playwright.config';

export default defineConfig({ ...pages, testDir: 'measure', testMatch: '*.ts', globalSetup: undefined, retries: 0, workers: 1, timeout: 900_000, reporter: [['line']] });
