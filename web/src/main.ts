import { mount } from 'svelte';
import './ui/tokens.css';
import './ui/base.css';
import App from './App.svelte';
import { router } from './state/router.svelte';
import { theme } from './state/theme.svelte';

theme.start();
router.start();
mount(App, { target: document.getElementById('app')! });
