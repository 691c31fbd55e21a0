/* Wine 8 has no bcryptprimitives.dll, of which Rust's std wants one function. For tests only. */

typedef unsigned char BOOLEAN;

__declspec(dllimport) BOOLEAN __stdcall SystemFunction036(void *to, unsigned long len);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *to, unsigned long long len)
{
    while (len > 0) {
        unsigned long part = len > 0x10000000 ? 0x10000000 : (unsigned long)len;
        if (!SystemFunction036(to, part))
            return 0;
        to += part;
        len -= part;
    }
    return 1;
}
