{
  # Built by scripts/build-native.mjs. OpenSSL is the Node binary's own: its headers lie beside Node's,
  # and no library is linked.
  "targets": [
    {
      "target_name": "isthmus_native",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('src').filter((f) => f.endsWith('.cc')).map((f) => 'src/' + f).join(' ')\")",
        "<!@(node -p \"require('fs').readdirSync('src/engine').filter((f) => f.endsWith('.cc')).map((f) => 'src/engine/' + f).join(' ')\")"
      ],
      "include_dirs": ["include", "src"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      # Warnings are errors in this project's sources, not in the headers of others.
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++20",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fno-exceptions",
        "-fvisibility=hidden",
        "-isystem<!(node -p \"require('path').dirname(require.resolve('node-addon-api'))\")",
        "-isystem<(node_root_dir)/include/node"
      ]
    }
  ]
}
