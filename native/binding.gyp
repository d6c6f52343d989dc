{
  "variables": { "libfabric": "<!(node find-libfabric.mjs found)" },
  "target_defaults": {
    "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
    "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "_FILE_OFFSET_BITS=64"],
    "cflags_cc": ["-std=c++17", "-fexceptions", "-fvisibility=hidden", "-Wall", "-Wextra"],
    "cflags_cc!": ["-fno-exceptions", "-std=gnu++14", "-std=gnu++17"],
    "conditions": [
      ["OS=='linux'", { "ldflags": ["-Wl,-z,now"] }],
      [
        "OS=='mac'",
        {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
            "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "MACOSX_DEPLOYMENT_TARGET": "11.0"
          }
        }
      ]
    ]
  },
  "targets": [
    {
      "target_name": "seal",
      "product_name": "xfer_seal",
      "sources": ["seal-unit.cc"]
    }
  ],
  "conditions": [
    [
      "OS=='linux'",
      {
        "targets": [
          {
            "target_name": "udp",
            "product_name": "xfer_udp",
            "sources": ["udp-unit.cc"]
          },
          {
            "target_name": "link",
            "product_name": "xfer_link",
            "type": "executable",
            "cflags_cc": ["-std=c++20"],
            "cflags_cc!": ["-std=c++17"],
            "sources": ["link-emulator.cc"]
          }
        ]
      }
    ],
    [
      "libfabric=='yes'",
      {
        "targets": [
          {
            "target_name": "fabric",
            "product_name": "xfer_fabric",
            "include_dirs": ["<!@(node find-libfabric.mjs includes)"],
            "libraries": ["<!@(node find-libfabric.mjs linking)", "-lfabric"],
            "ldflags": ["-Wl,-z,nodelete"],
            "sources": ["fabric-unit.cc"]
          }
        ]
      }
    ]
  ]
}
