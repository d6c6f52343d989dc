// Runs at the beginning of each test file.
import { afterAll } from 'vitest';
import { endFile } from './after-file.js';

afterAll(endFile);
