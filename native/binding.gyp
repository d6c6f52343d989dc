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
      "sources": [
        "addon.cc",
        "arguments.cc",
        "attributes.cc",
        "batch.cc",
        "content-bindings.cc",
        "content-io.cc",
        "digest-bindings.cc",
        "direct-file.cc",
        "disk-bindings.cc",
        "disk.cc",
        "errno-name.cc",
        "file-bindings.cc",
        "files.cc",
        "job-loop.cc",
        "listing.cc",
        "open-beneath.cc",
        "packed-bindings.cc",
        "packed.cc",
        "record-bindings.cc",
        "record-key.cc",
        "reference-bindings.cc",
        "reference-blast.cc",
        "regions.cc",
        "rename.cc",
        "seal-bindings.cc",
        "sealer.cc",
        "thread-pool.cc"
      ],
      "conditions": [
        [
          "OS=='linux'",
          { "sources": ["descriptor-bindings.cc", "descriptor-io.cc", "descriptor-watch.cc", "loop-poller.cc"] }
        ]
      ]
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
            "sources": [
              "arguments.cc",
              "errno-name.cc",
              "loop-poller.cc",
              "udp-addon.cc",
              "udp-address.cc",
              "udp-connections.cc",
              "udp-datagrams.cc",
              "udp-errors.cc",
              "udp-open.cc",
              "udp-packets.cc",
              "udp-pieces.cc",
              "udp-receiver.cc",
              "udp-sender.cc",
              "udp-socket-calls.cc",
              "udp-socket.cc"
            ]
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
            "sources": [
              "arguments.cc",
              "errno-name.cc",
              "fabric-addon.cc",
              "fabric-arguments.cc",
              "fabric-driver.cc",
              "fabric-endpoint.cc",
              "fabric-error-value.cc",
              "fabric-error.cc",
              "fabric-handle-calls.cc",
              "fabric-handle.cc",
              "fabric-info.cc",
              "fabric-loop-handle.cc",
              "fabric-loops.cc",
              "fabric-memory.cc",
              "fabric-receiver.cc",
              "fabric-resources.cc",
              "fabric-sender.cc",
              "fabric-shm.cc",
              "fabric-signals.cc",
              "fabric-task.cc",
              "fabric-thread.cc",
              "loop-poller.cc",
              "udp-pieces.cc"
            ]
          }
        ]
      }
    ]
  ]
}
