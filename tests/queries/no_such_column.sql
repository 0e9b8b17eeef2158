SELECT humidity FROM input
