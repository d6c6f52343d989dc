// How content gets from a file of the page cache into a record: by pread into a buffer that is warm, or out of a mapping.
//   g++ -O2 -std=c++17 -pthread test/bench/file-reads.cc -lcrypto -o /tmp/file-reads && /tmp/file-reads FILE [ROUNDS]
// FILE is made with 256 MiB where it is not there. Ways take turns; medians and spread of the rounds, in GB for each second
// of processor time that all threads together took, the kernel's included: what else runs on the machine matters less to
// that than to the time that passes.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr size_t kRecordBytes = size_t{1} << 20;
constexpr size_t kFileBytes = size_t{1} << 28;
/** As many records of a lane are sealed or on their way at once. */
constexpr size_t kBuffers = 4;

#if !defined(MADV_POPULATE_READ)
#define MADV_POPULATE_READ 22
#endif

enum class Way { kPread, kMapEach, kMapEachPopulated, kMapWhole, kMapSequential, kMapPopulated };
constexpr Way kWays[] = {Way::kPread,    Way::kMapEach,       Way::kMapEachPopulated,
                         Way::kMapWhole, Way::kMapSequential, Way::kMapPopulated};
constexpr const char* kNames[] = {"pread into a buffer",          "mmap of each record",      "the same, MAP_POPULATE",
                                  "one mapping",                  "the same, SEQUENTIAL",     "the same, POPULATE_READ"};

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

double ProcessorSeconds() {
  timespec at;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) / 1e9;
}

/** Puts a record's content, sealed or as it is, into `out`. */
class Filler {
 public:
  explicit Filler(bool seals) : context_(seals ? EVP_CIPHER_CTX_new() : nullptr) {
    const unsigned char key[32] = {1};
    if (seals) EVP_EncryptInit_ex(context_, EVP_aes_256_gcm(), nullptr, key, nullptr);
  }
  ~Filler() { EVP_CIPHER_CTX_free(context_); }

  void Fill(unsigned char* out, const unsigned char* from) {
    if (context_ == nullptr) {
      if (from != out) std::memcpy(out, from, kRecordBytes);
      return;
    }
    const unsigned char nonce[12] = {};
    int n = 0;
    EVP_EncryptInit_ex(context_, nullptr, nullptr, nullptr, nonce);
    if (EVP_EncryptUpdate(context_, out, &n, from, kRecordBytes) != 1) std::exit(1);
    EVP_EncryptFinal_ex(context_, out + kRecordBytes, &n);
  }

 private:
  EVP_CIPHER_CTX* const context_;
};

void ReadPart(int fd, Way way, bool seals, unsigned char* whole, size_t from, size_t to) {
  Filler filler(seals);
  std::vector<unsigned char*> buffers;
  for (size_t i = 0; i < kBuffers; i++)
    buffers.push_back(static_cast<unsigned char*>(std::aligned_alloc(4096, kRecordBytes + 4096)));
  for (size_t at = from, i = 0; at < to; at += kRecordBytes, i++) {
    unsigned char* const out = buffers[i % kBuffers];
    if (way == Way::kPread) {
      for (size_t have = 0; have < kRecordBytes;) {
        const ssize_t n = pread(fd, out + have, kRecordBytes - have, static_cast<off_t>(at + have));
        if (n <= 0) Fail("pread");
        have += static_cast<size_t>(n);
      }
      filler.Fill(out, out);
    } else if (way == Way::kMapEach || way == Way::kMapEachPopulated) {
      const int flags = MAP_SHARED | (way == Way::kMapEachPopulated ? MAP_POPULATE : 0);
      void* const mapped = mmap(nullptr, kRecordBytes, PROT_READ, flags, fd, static_cast<off_t>(at));
      if (mapped == MAP_FAILED) Fail("mmap");
      filler.Fill(out, static_cast<unsigned char*>(mapped));
      munmap(mapped, kRecordBytes);
    } else {
      if (way == Way::kMapPopulated && madvise(whole + at, kRecordBytes, MADV_POPULATE_READ) != 0) Fail("madvise");
      filler.Fill(out, whole + at);
    }
  }
  for (unsigned char* buffer : buffers) std::free(buffer);
}

/** GB a second of processor time over the whole file, the mapping made and undone within. */
double Run(int fd, Way way, bool seals, size_t threads) {
  const double from = ProcessorSeconds();
  unsigned char* whole = nullptr;
  if (way >= Way::kMapWhole) {
    void* const mapped = mmap(nullptr, kFileBytes, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) Fail("mmap");
    whole = static_cast<unsigned char*>(mapped);
    if (way != Way::kMapWhole) madvise(whole, kFileBytes, MADV_SEQUENTIAL);
  }
  std::vector<std::thread> running;
  for (size_t i = 0; i < threads; i++) {
    const size_t part = kFileBytes / threads;
    running.emplace_back([=] { ReadPart(fd, way, seals, whole, i * part, (i + 1) * part); });
  }
  for (std::thread& one : running) one.join();
  if (whole != nullptr) munmap(whole, kFileBytes);
  return kFileBytes / 1e9 / (ProcessorSeconds() - from);
}

int Prepare(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) Fail(path);
  struct stat found;
  if (fstat(fd, &found) != 0) Fail("fstat");
  std::vector<char> bytes(kRecordBytes);
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  for (size_t at = 0; static_cast<size_t>(found.st_size) != kFileBytes && at < kFileBytes; at += kRecordBytes)
    if (pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at)) < 0) Fail("pwrite");
  fsync(fd);
  return fd;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return std::fprintf(stderr, "file-reads FILE [ROUNDS]\n"), 2;
  const int fd = Prepare(arguments[1]);
  const int rounds = count > 2 ? std::atoi(arguments[2]) : 7;
  Run(fd, Way::kPread, false, 1);  // so that all of it is in the page cache
  for (const bool seals : {true, false}) {
    for (const size_t threads : {size_t{1}, size_t{2}}) {
      std::vector<double> found[std::size(kWays)];
      for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < std::size(kWays); i++) found[i].push_back(Run(fd, kWays[i], seals, threads));
      std::printf("%s, threads: %zu\n", seals ? "sealed" : "plain", threads);
      for (size_t i = 0; i < std::size(kWays); i++) {
        std::sort(found[i].begin(), found[i].end());
        std::printf("  %-26s %5.2f  (%.2f to %.2f)\n", kNames[i], found[i][found[i].size() / 2], found[i].front(),
                    found[i].back());
      }
      std::fflush(stdout);
    }
  }
  return 0;
}
