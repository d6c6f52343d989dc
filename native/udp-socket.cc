#include "udp-socket.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

#include "errno-name.h"
#include "udp-errors.h"

namespace xfer {

namespace {

/** Batches read in one turn of the loop; then others have theirs. */
constexpr int kMaxBatches = 8;
/** And runs: a joined message may hold a hundred datagrams that are none of a connection, each a run. */
constexpr size_t kMaxRuns = 2048;
constexpr int kMaxErrors = 64;

Napi::Error ErrorOf(Napi::Env env, int error, const char* syscall) {
  const std::string code = ErrorCode(error);
  Napi::Error value = Napi::Error::New(env, code + ": " + ErrorMessage(error) + ", " + syscall);
  value.Set("code", Napi::String::New(env, code));
  value.Set("errno", Napi::Number::New(env, -error));
  value.Set("syscall", Napi::String::New(env, syscall));
  return value;
}

/** Of a socket that can never receive again; all else that recvmmsg gives is an ICMP error of something sent. */
bool IsBroken(int error) { return error == EBADF || error == ENOTSOCK || error == EFAULT || error == EINVAL; }

}  // namespace

void UdpSocket::Open(const UdpOptions& options) {
  const char* syscall = "socket";
  int error = OpenUdp(options, fd_, bound_, features_, syscall);
  if (error == 0) {
    poller_ = LoopPoller::Start(
        Env(), fd_.Get(), [this](int status, int events) { OnReady(status, events); }, [this] { Close(); }, error);
    syscall = "epoll_ctl";
  }
  if (error == 0 && coalesceMessages_ > 0) {
    deadline_ = UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    error = deadline_.Valid() ? 0 : errno;
    syscall = "timerfd_create";
    if (error == 0)
      deadlinePoller_ = LoopPoller::Start(
          Env(), deadline_.Get(), [this](int, int) { OnDeadline(); }, [this] { Close(); }, error);
  }
  if (error != 0) {
    Close();
    ErrorOf(Env(), error, syscall).ThrowAsJavaScriptException();
    return;
  }
  family_ = options.at.any.sa_family;
  packets_ = options.packets;
  sender_ = std::make_unique<UdpSender>(fd_.Get(), family_, features_.gso, counters_);
  receiver_ =
      std::make_unique<UdpReceiver>(fd_.Get(), coalesceMessages_ > 0 ? coalesceMessages_ : kSlots, counters_);
  context_ = std::make_unique<Napi::AsyncContext>(Env(), "xfer:udp");
  Ref();
}

UdpSocket::~UdpSocket() { Close(); }

void UdpSocket::Close() {
  const bool wasOpen = context_ != nullptr && IsOpen();
  if (poller_ != nullptr) poller_->Close();
  if (deadlinePoller_ != nullptr) deadlinePoller_->Close();
  poller_ = deadlinePoller_ = nullptr;
  fd_.Close();
  deadline_.Close();
  if (!wasOpen) return;
  slabReference_.Reset();
  fieldsReference_.Reset();
  for (auto& handler : handlers_) handler.Reset();
  Unref();
}

int UdpSocket::WatchedEvents() const {
  return UV_READABLE | (packets_ ? UV_PRIORITIZED : 0) | (wantsWritable_ ? UV_WRITABLE : 0);
}

void UdpSocket::OnReady(int status, int events) {
  const Napi::HandleScope scope(Env());
  // Else it could be collected below a handler that closes it.
  [[maybe_unused]] const Napi::Value self = Value();
  // Without POLLPRI libuv stops at POLLERR; it is an ICMP error here, too.
  const bool wasStopped = status < 0;
  if (wasStopped || (events & UV_PRIORITIZED) != 0) ReadErrors();
  if (IsOpen() && (events & UV_WRITABLE) != 0) {
    wantsWritable_ = false;
    poller_->Watch(WatchedEvents());
    Call(kWritable, {});
  }
  if (IsOpen() && (wasStopped || (events & UV_READABLE) != 0)) ReceiveAll();
  if (IsOpen() && wasStopped) poller_->Watch(WatchedEvents());
}

void UdpSocket::ReadErrors() {
  Unreachable unreachable;
  for (int i = 0; i < kMaxErrors && IsOpen() && NextUnreachable(fd_.Get(), unreachable); i++) {
    if (unreachable.error == 0) continue;
    const Napi::HandleScope scope(Env());
    Call(kUnreachable, {Napi::String::New(Env(), unreachable.to.Host()), Napi::Number::New(Env(), unreachable.to.Port()),
                        Napi::String::New(Env(), ErrorCode(unreachable.error))});
  }
  // What is still pending of it would end the next call.
  int pending = 0;
  socklen_t length = sizeof pending;
  if (IsOpen()) getsockopt(fd_.Get(), SOL_SOCKET, SO_ERROR, &pending, &length);
}

void UdpSocket::ReceiveAll() {
  runsOfTurn_ = 0;
  for (int i = 0; i < kMaxBatches && runsOfTurn_ < kMaxRuns && IsOpen(); i++) {
    if (!FindMemory()) return FailInLoop(EFAULT, "recvmmsg");
    const int error = receiver_->Receive();
    if (error != 0 && error != EAGAIN) {
      if (IsBroken(error)) return FailInLoop(error, "recvmmsg");
      continue;
    }
    if (coalesceMessages_ > 0 && !receiver_->IsFull()) {
      ArmDeadline();
    } else {
      Deliver();
    }
    if (error == EAGAIN) return;
  }
}

/** From the first message that waits. Nanoseconds of a timerfd: poll and uv_timer round to milliseconds. */
void UdpSocket::ArmDeadline() {
  if (isDeadlineSet_ || receiver_->Count() == 0) return;
  itimerspec when = {};
  when.it_value.tv_sec = static_cast<time_t>(coalesceNs_ / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(coalesceNs_ % 1'000'000'000);
  timerfd_settime(deadline_.Get(), 0, &when, nullptr);
  isDeadlineSet_ = true;
}

void UdpSocket::OnDeadline() {
  const Napi::HandleScope scope(Env());
  [[maybe_unused]] const Napi::Value self = Value();
  uint64_t times = 0;
  if (read(deadline_.Get(), &times, sizeof times) < 0) return;
  isDeadlineSet_ = false;
  if (!FindMemory()) return FailInLoop(EFAULT, "recvmmsg");
  Deliver();
}

/** JavaScript may have transferred the slab and the fields away, which leaves them empty, or made them shorter. */
bool UdpSocket::FindMemory() {
  const Napi::HandleScope scope(Env());
  auto slab = slabReference_.Value().As<Napi::Uint8Array>();
  auto fields = fieldsReference_.Value().As<Napi::Float64Array>();
  if (slab.ByteLength() < kSlabBytes || fields.ElementLength() < kLeastFields) return false;
  slab_ = slab.Data();
  fields_ = fields.Data();
  mostFields_ = fields.ElementLength();
  receiver_->SetSlab(slab_);
  return true;
}

void UdpSocket::Deliver() {
  if (receiver_->Count() == 0) return;
  if (isDeadlineSet_) {
    const itimerspec never = {};
    timerfd_settime(deadline_.Get(), 0, &never, nullptr);
    isDeadlineSet_ = false;
  }
  if (packets_) {
    DeliverPackets();
  } else {
    DeliverDatagrams();
  }
  receiver_->Clear();
}

void UdpSocket::DeliverPackets() {
  reader_.Begin(slab_, fields_, mostFields_ / kPacketFields);
  const size_t count = receiver_->Count();
  for (size_t i = 0; i < count; i++) {
    const ReceivedMessage message = receiver_->At(i);
    size_t at = reader_.Add(message, 0);
    while (at < message.bytes) {
      HandOver(reader_.Runs());
      if (!IsOpen() || !FindMemory()) return;
      reader_.Begin(slab_, fields_, mostFields_ / kPacketFields);
      at = reader_.Add(message, at);
    }
  }
  HandOver(reader_.Runs());
}

void UdpSocket::DeliverDatagrams() {
  datagrams_.Begin(slab_, fields_);
  const size_t count = receiver_->Count();
  for (size_t i = 0; i < count; i++) datagrams_.Add(receiver_->At(i));
  HandOver(datagrams_.Runs());
}

void UdpSocket::HandOver(size_t runs) {
  if (runs == 0) return;
  const Napi::HandleScope scope(Env());
  runsOfTurn_ += runs;
  connections_.Hold();
  Call(kBatch, {Napi::Number::New(Env(), static_cast<double>(runs))});
  connections_.Release();
}

void UdpSocket::AfterSending() {
  if (sender_->Broken() != 0) {
    Fail(sender_->Broken(), "sendmmsg");
  } else if (sender_->QueueWasFull() && !wantsWritable_ && isStarted_) {
    wantsWritable_ = true;
    poller_->Watch(WatchedEvents());
  }
}

void UdpSocket::Fail(int error, const char* syscall) {
  if (!IsOpen()) return;
  const Napi::HandleScope scope(Env());
  const Napi::Function broken = handlers_[kBroken].IsEmpty() ? Napi::Function() : handlers_[kBroken].Value();
  const Napi::Value value = ErrorOf(Env(), error, syscall).Value();
  Close();
  // It only makes a note of it, for later: this may be in the middle of a send.
  if (!broken.IsEmpty()) broken.Call({value});
}

void UdpSocket::FailInLoop(int error, const char* syscall) {
  if (!IsOpen()) return;
  const Napi::HandleScope scope(Env());
  const Napi::Value self = Value();
  const Napi::Function broken = handlers_[kBroken].Value();
  const napi_value value = ErrorOf(Env(), error, syscall).Value();
  Close();
  CallInLoop(self, broken, 1, &value);
}

void UdpSocket::Call(Handler handler, std::initializer_list<napi_value> arguments) {
  if (handlers_[handler].IsEmpty()) return;
  CallInLoop(Value(), handlers_[handler].Value(), arguments.size(), arguments.begin());
}

void UdpSocket::CallInLoop(napi_value self, napi_value function, size_t count, const napi_value* arguments) {
  const napi_status status = napi_make_callback(Env(), *context_, self, function, count, arguments, nullptr);
  if (status != napi_pending_exception) return;
  napi_value thrown = nullptr;
  if (napi_get_and_clear_last_exception(Env(), &thrown) == napi_ok) napi_fatal_exception(Env(), thrown);
}

}  // namespace xfer
