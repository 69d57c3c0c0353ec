/* The floor: what it costs libpcap to hand over every packet of a capture to somebody who only counts them.
 * cc -O2 pcap_floor.c -lpcap; pcap_floor FILE */
#include <pcap/pcap.h>
#include <stdio.h>

struct seen { unsigned long packets, octets; };

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *octets) {
    struct seen *seen = (struct seen *)user;
    (void)octets;
    seen->packets += 1;
    seen->octets += header->caplen;
}

int main(int argc, char **argv) {
    char why[PCAP_ERRBUF_SIZE];
    struct seen seen = {0, 0};
    pcap_t *capture;
    if (argc != 2) {
        fprintf(stderr, "usage: pcap_floor FILE\n");
        return 2;
    }
    capture = pcap_open_offline(argv[1], why);
    if (capture == NULL) {
        fprintf(stderr, "pcap_floor: %s\n", why);
        return 3;
    }
    if (pcap_loop(capture, -1, count, (u_char *)&seen) < 0) {
        fprintf(stderr, "pcap_floor: %s\n", pcap_geterr(capture));
        return 3;
    }
    printf("packets %lu octets %lu\n", seen.packets, seen.octets);
    pcap_close(capture);
    return 0;
}
